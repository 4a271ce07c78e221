import CGantryPlugin
import GantryPlugin

/// What a RESULT has to look like, by the table in `gantry_plugin.h`.
enum ResultShape {
    private static let remembered: [Int: String] = [
        GANTRY_OP_FILE_CREATE: "file", GANTRY_OP_INPUT_CREATE: "file", GANTRY_OP_BATCH_CREATE: "batch",
        GANTRY_OP_TUNE_CREATE: "job",
    ]
    private static let forgotten: [Int: String] = [
        GANTRY_OP_FILE_DELETE: "file", GANTRY_OP_RESPONSE_DELETE: "response",
    ]
    private static let withID: Set<Int> = [
        GANTRY_OP_FILE_CREATE, GANTRY_OP_FILE_GET, GANTRY_OP_FILE_DELETE, GANTRY_OP_INPUT_CREATE,
        GANTRY_OP_BATCH_CREATE, GANTRY_OP_BATCH_GET, GANTRY_OP_BATCH_CANCEL, GANTRY_OP_TUNE_CREATE, GANTRY_OP_TUNE_GET,
        GANTRY_OP_TUNE_CANCEL, GANTRY_OP_TUNE_PAUSE, GANTRY_OP_TUNE_RESUME,
    ]
    private static let withData: Set<Int> = [
        GANTRY_OP_FILE_LIST, GANTRY_OP_BATCH_LIST, GANTRY_OP_TUNE_LIST, GANTRY_OP_TUNE_EVENTS,
        GANTRY_OP_TUNE_CHECKPOINTS,
    ]

    /// Checks how an operation ended well.
    static func check(
        _ end: CapturedCommand,
        _ commands: [CapturedCommand],
        _ script: ConformanceScript
    ) throws(RuleStop) {
        let kind = Int(script.operation)
        if kind == GANTRY_OP_CREDENTIAL {
            guard !end.data.isEmpty, end.value > 0 else {
                throw broken(
                    "The RESULT has no token, or does not say when it expires.",
                    script,
                    "Put the token's bytes into `data` and milliseconds into `value`."
                )
            }
            return
        }
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: end.data)
        } catch {
            throw broken(
                "The RESULT is not JSON: \(error).",
                script,
                "Emit a JSON object, `{}` where nothing is to be said."
            )
        }
        guard json.object != nil else { throw broken("The RESULT is no JSON object.", script, "Emit a JSON object.") }
        if let null = json.object?.members.first(where: { $0.value.isNull && withoutNulls.contains(kind) }) {
            throw broken("The RESULT's `\(null.name)` is null.", script, "Leave members that are absent out.")
        }
        if withID.contains(kind), json["id"]?.string?.isEmpty != false {
            throw broken("The RESULT has no `id`.", script, "Give it the provider's id.")
        }
        if kind == GANTRY_OP_FILE_DELETE, json["deleted"] != true {
            throw broken(
                "The RESULT does not say `\"deleted\":true`.",
                script,
                "A file that is gone counts as deleted."
            )
        }
        if withData.contains(kind), json["data"]?.array == nil {
            throw broken("The RESULT has no list `data`.", script, "Emit {\"data\":[…]}.")
        }
        if kind == GANTRY_OP_FILE_LIST, json["data"]?.array?.allSatisfy(isFile) == false {
            throw broken(
                "A file in `data` lacks `id` or `bytes`.",
                script,
                "Give both: the host takes no file for a lost one whose length it does not know."
            )
        }
        try checkJournal(json, commands, script)
    }

    private static func isFile(_ entry: JSON) -> Bool {
        entry["id"]?.string?.isEmpty == false && entry["bytes"]?.integer != nil
    }

    private static let withoutNulls: Set<Int> = [
        GANTRY_OP_FILE_CREATE, GANTRY_OP_FILE_GET, GANTRY_OP_FILE_DELETE, GANTRY_OP_FILE_LIST, GANTRY_OP_INPUT_CREATE,
    ]

    private static func checkJournal(
        _ json: JSON,
        _ commands: [CapturedCommand],
        _ script: ConformanceScript
    ) throws(RuleStop) {
        let kind = Int(script.operation)
        if let what = remembered[kind] {
            let id = json["id"]?.string ?? ""
            guard commands.contains(where: { $0.hasKind(GANTRY_CMD_REMEMBER) && entry($0) == (what, id) }) else {
                throw broken(
                    "The RESULT names `\(id)`, which no REMEMBER \"\(what)\" came before.",
                    script,
                    "Emit GANTRY_CMD_REMEMBER the moment the id exists: the host cannot undo what it has not written down."
                )
            }
        }
        if let what = forgotten[kind] {
            guard commands.contains(where: { $0.hasKind(GANTRY_CMD_FORGET) && CapturedCommand.text($0.text) == what })
            else {
                throw broken(
                    "No FORGET \"\(what)\" came before the RESULT.",
                    script,
                    "Emit GANTRY_CMD_FORGET when it is gone."
                )
            }
        }
    }

    private static func entry(_ command: CapturedCommand) -> (String, String) {
        (CapturedCommand.text(command.text), CapturedCommand.text(command.data))
    }

    private static func broken(_ what: String, _ script: ConformanceScript, _ advice: String) -> RuleStop {
        .broken(what, at: script.name, advice: advice)
    }
}
