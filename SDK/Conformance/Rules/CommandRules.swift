import CGantryPlugin
import GantryPlugin

/// The rule about the form and the order of commands.
enum CommandRules {
    /// Judges every command of every script.
    static func check(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let session = try context.session(script)
            let run = try session.begin(script)
            var hasPiped = false
            while let event = run.next(), run.steps.count < OperationRun.maximumEvents {
                let step = run.deliver(event)
                for command in step.commands {
                    let place = run.place
                    if let fault = fault(of: command, run, hasPiped: hasPiped) {
                        throw .broken("`\(command.shortLine)`: \(fault.what).", at: place, advice: fault.advice)
                    }
                    if command.hasKind(GANTRY_CMD_PIPE) { hasPiped = true }
                }
            }
            run.free()
            session.close()
            return run.commands.count
        }
    }

    private struct Fault {
        let what: String
        let advice: String
    }

    private static func fault(of command: CapturedCommand, _ run: OperationRun, hasPiped: Bool) -> Fault? {
        if let defect = command.defect {
            return Fault(what: defect, advice: "Fill in `size` and give every slice an address and a length in bytes.")
        }
        if command.answer != 0 {
            return Fault(
                what: "the host refuses it with \(command.answer) \(statusNames[command.answer] ?? "")",
                advice: "It is not allowed there: one request at a time, nothing after the end, known kinds only."
            )
        }
        switch Int(command.kind) {
        case GANTRY_CMD_HTTP: return http(command, run, hasPiped: hasPiped)
        case GANTRY_CMD_ERROR: return error(command)
        case GANTRY_CMD_REMEMBER, GANTRY_CMD_FORGET: return journal(command)
        case GANTRY_CMD_PIPE: return pipe(command, run)
        case GANTRY_CMD_TOKEN: return token(command, run)
        case GANTRY_CMD_USAGE: return json(command)
        default: return nil
        }
    }

    private static let statusNames: [gantry_status: String] = [
        gantry_status(GANTRY_E_UNSUPPORTED): "(GANTRY_E_UNSUPPORTED)",
        gantry_status(GANTRY_E_INVALID): "(GANTRY_E_INVALID)",
        gantry_status(GANTRY_E_STATE): "(GANTRY_E_STATE)", gantry_status(GANTRY_E_LIMIT): "(GANTRY_E_LIMIT)",
    ]

    private static func http(_ command: CapturedCommand, _ run: OperationRun, hasPiped: Bool) -> Fault? {
        guard !command.method.isEmpty, command.method.allSatisfy(isTokenByte) else {
            return Fault(what: "its method is no token", advice: "Use a method such as POST.")
        }
        let url = CapturedCommand.text(command.url).lowercased()
        guard url.hasPrefix("https://") || url.hasPrefix("http://"), command.url.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            return Fault(
                what: "its URL is not an absolute http or https URL",
                advice: "Percent-encode what stands in paths."
            )
        }
        guard (GANTRY_FRAME_WHOLE...GANTRY_FRAME_SSE).contains(Int(command.code)) else {
            return Fault(what: "its framing is \(command.code)", advice: "Set `code` to a GANTRY_FRAME_….")
        }
        guard command.request != 0 else {
            return Fault(what: "its request is 0", advice: "Number requests from 1: events of others carry 0.")
        }
        let known = GANTRY_HTTP_IDEMPOTENT | GANTRY_HTTP_STREAM_BODY | GANTRY_HTTP_NO_RETRY
        guard command.flags & ~UInt32(known) == 0 else {
            return Fault(what: "its flags are \(command.flags)", advice: "Set GANTRY_HTTP_… flags only.")
        }
        return headers(command) ?? segments(command, run, hasPiped: hasPiped)
    }

    private static func headers(_ command: CapturedCommand) -> Fault? {
        for pair in command.pairs {
            guard !pair.name.isEmpty, pair.name.allSatisfy(isTokenByte),
                pair.value.allSatisfy({ $0 == 9 || $0 >= 0x20 && $0 != 0x7F })
            else {
                return Fault(
                    what: "the header `\(CapturedCommand.text(pair.name))` is malformed",
                    advice: "Names are tokens, and values have no control characters."
                )
            }
            let name = CapturedCommand.text(pair.name).lowercased()
            guard !["content-length", "transfer-encoding", "connection", "host"].contains(name) else {
                return Fault(what: "it sets the header `\(name)`", advice: "Leave it to the host.")
            }
        }
        return nil
    }

    private static func segments(_ command: CapturedCommand, _ run: OperationRun, hasPiped: Bool) -> Fault? {
        for segment in command.segments {
            switch Int(segment.kind) {
            case GANTRY_SEG_BYTES: continue
            case GANTRY_SEG_SECRET:
                guard !segment.bytes.isEmpty, segment.offset == 0, segment.length == 0 else {
                    return Fault(
                        what: "a secret segment has no name, or a range",
                        advice: "Name it; offset and length are 0."
                    )
                }
            case GANTRY_SEG_INPUT:
                let end = segment.offset.addingReportingOverflow(segment.length)
                guard !end.overflow, end.partialValue <= UInt64(run.script.input.count), !hasPiped else {
                    return Fault(
                        what: "a segment reaches past the input of \(run.script.input.count) bytes",
                        advice: "Keep offset + length within START's data; after PIPE the input is gone."
                    )
                }
            case GANTRY_SEG_SOURCE:
                let end = segment.offset.addingReportingOverflow(segment.length)
                guard let length = run.script.sourceLength, !end.overflow, end.partialValue <= length else {
                    return Fault(
                        what: "a segment reaches past the source",
                        advice: "Stay within START's `value` bytes."
                    )
                }
            default:
                return Fault(what: "a segment is of the unknown kind \(segment.kind)", advice: "Use GANTRY_SEG_….")
            }
        }
        return nil
    }

    private static func error(_ command: CapturedCommand) -> Fault? {
        guard (GANTRY_ERR_INVALID...GANTRY_ERR_INTERNAL).contains(Int(command.code)) else {
            return Fault(what: "its class is \(command.code)", advice: "Set `code` to a GANTRY_ERR_….")
        }
        guard !command.data.isEmpty else {
            return Fault(what: "it has no message", advice: "Say in `data` what happened and what to do.")
        }
        return nil
    }

    private static func journal(_ command: CapturedCommand) -> Fault? {
        let kind = CapturedCommand.text(command.text)
        guard ["file", "batch", "job", "response", "unstored_response"].contains(kind) else {
            return Fault(
                what: "its kind is `\(kind)`",
                advice: "The kinds are file, batch, job, response and unstored_response."
            )
        }
        guard (1...4096).contains(command.data.count) else {
            return Fault(what: "its id has \(command.data.count) bytes", advice: "Ids have 1 to 4096 bytes.")
        }
        return nil
    }

    private static func pipe(_ command: CapturedCommand, _ run: OperationRun) -> Fault? {
        let request = run.commands.last { $0.hasKind(GANTRY_CMD_HTTP) }
        let hasHead = run.steps.contains { $0.event.hasKind(GANTRY_EV_HEAD) && $0.event.request == command.request }
        guard let request, request.request == command.request, hasHead else {
            return Fault(what: "its response has not begun", advice: "Pipe from EV_HEAD of that request on.")
        }
        guard Int(request.code) == GANTRY_FRAME_RAW else {
            return Fault(
                what: "its response is not framed raw",
                advice: "Ask for GANTRY_FRAME_RAW in the HTTP command."
            )
        }
        return headers(command)
    }

    private static func token(_ command: CapturedCommand, _ run: OperationRun) -> Fault? {
        guard Int(run.script.operation) != GANTRY_OP_CREDENTIAL else {
            return Fault(what: "an operation that makes a token asks for one", advice: "Ask the provider instead.")
        }
        guard command.text.count <= 4096 else {
            return Fault(what: "its scope has \(command.text.count) bytes", advice: "Scopes have at most 4096 bytes.")
        }
        return nil
    }

    private static func json(_ command: CapturedCommand) -> Fault? {
        do throws(JSONError) {
            _ = try JSON(parsing: command.data)
            return nil
        } catch {
            return Fault(what: "it is not JSON: \(error)", advice: "Emit OpenAI's `usage` object.")
        }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
