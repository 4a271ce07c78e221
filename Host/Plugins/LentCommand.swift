import CGantryPlugin
import HostPluginABI
import NIOCore

/// Copies what a checked command says out of the memory it was lent in.
struct LentCommand {
    /// Twice what a client gets, which is cut when the secrets in it are masked.
    private static let maximumMessageBytes = 8192

    private let checked: CheckedCommand
    private var command: gantry_command { checked.value }

    /// Takes a command that the rules of emission let pass.
    init(_ checked: CheckedCommand) { self.checked = checked }

    /// Copies the command; the head of a request is looked for among the known ones first.
    func decoded(_ heads: RequestHeads?) throws(RefusedCommand) -> PluginCommand {
        switch Int(command.kind) {
        case GANTRY_CMD_HTTP: return .http(try http(heads))
        case GANTRY_CMD_PULL: return .pull
        case GANTRY_CMD_ABORT: return .abort(request: command.request)
        case GANTRY_CMD_WAIT: return .wait(milliseconds: command.value)
        case GANTRY_CMD_TOKEN:
            return .token(scope: String(lent: command.text), refresh: checked.hasFlag(GANTRY_TOKEN_REFRESH))
        case GANTRY_CMD_OUTPUT:
            return .output(payload: ByteBuffer(lent: command.data), event: String(lent: command.text))
        case GANTRY_CMD_PIPE: return .pipe(request: command.request, headers: headers())
        case GANTRY_CMD_REMEMBER:
            return .journal(.remember(kind: String(lent: command.text), id: try identifier()))
        case GANTRY_CMD_FORGET:
            return .journal(.forget(kind: String(lent: command.text), id: try identifier()))
        case GANTRY_CMD_USAGE: return .usage(ByteBuffer(lent: command.data))
        case GANTRY_CMD_RESULT:
            return .result(OperationResult(data: ByteBuffer(lent: command.data), value: command.value))
        case GANTRY_CMD_ERROR: return .error(failure())
        default: throw RefusedCommand(code: Status.unsupported)
        }
    }

    private func identifier() throws(RefusedCommand) -> String {
        guard let text = String(validating: UnsafeRawBufferPointer(lent: command.data), as: UTF8.self) else {
            throw RefusedCommand(code: Status.invalid)
        }
        return text
    }

    private func http(_ heads: RequestHeads?) throws(RefusedCommand) -> HTTPCommand {
        guard let framing = ResponseFraming(rawValue: command.code) else {
            throw RefusedCommand(code: Status.unsupported)
        }
        return HTTPCommand(
            request: command.request,
            head: head(heads),
            body: try pieces(),
            framing: framing,
            timeoutInMilliseconds: command.value,
            isIdempotent: checked.hasFlag(GANTRY_HTTP_IDEMPOTENT),
            allowsRetry: !checked.hasFlag(GANTRY_HTTP_NO_RETRY)
        )
    }

    private func head(_ heads: RequestHeads?) -> HTTPCommand.Head {
        if let known = heads?.head(of: command) { return .known(known) }
        return .new(
            CommandHead(
                method: String(lent: command.method),
                url: String(lent: command.url),
                headers: headers(),
                texts: LentHeadTexts(command)
            )
        )
    }

    private func headers() -> [CommandHeader] {
        var headers: [CommandHeader] = []
        for index in 0..<command.pair_count {
            let pair = command.pairs[index]
            headers.append(
                CommandHeader(
                    name: String(lent: pair.name),
                    value: String(lent: pair.value),
                    secret: String(lent: pair.secret)
                )
            )
        }
        return headers
    }

    private func pieces() throws(RefusedCommand) -> [HTTPCommand.Piece] {
        var pieces: [HTTPCommand.Piece] = []
        pieces.reserveCapacity(command.segment_count)
        for index in 0..<command.segment_count {
            let segment = command.segments[index]
            switch Int(segment.kind) {
            case GANTRY_SEG_BYTES: pieces.append(.bytes(ByteBuffer(lent: segment.bytes)))
            case GANTRY_SEG_SOURCE: pieces.append(.source(offset: segment.offset, length: segment.length))
            case GANTRY_SEG_INPUT: pieces.append(.input(offset: segment.offset, length: segment.length))
            case GANTRY_SEG_SECRET:
                let isFormEncoded = segment.flags & UInt32(GANTRY_SEGF_FORM) != 0
                pieces.append(.secret(name: String(lent: segment.bytes), isFormEncoded: isFormEncoded))
            default: throw RefusedCommand(code: Status.unsupported)
            }
        }
        return pieces
    }

    private func failure() -> OperationFailure {
        // The two reasons above every plugin's are the host's own: a plugin that claims one is wrong.
        let claimed = OperationFailure.Reason(rawValue: command.code)
        let reason = command.code >= 1000 ? .internalError : claimed ?? .internalError
        let parameter = String(lent: command.text.prefix(512))
        return OperationFailure(
            reason,
            String(lent: command.data.prefix(Self.maximumMessageBytes)),
            parameter: parameter.isEmpty ? nil : parameter,
            upstreamStatus: Int(command.upstream),
            retryAfter: command.value == 0 ? nil : .milliseconds(Int64(clamping: min(command.value, 86_400_000))),
            isRetryable: checked.hasFlag(GANTRY_ERRF_RETRY),
            mayFallBack: checked.hasFlag(GANTRY_ERRF_FALLBACK)
        )
    }
}
