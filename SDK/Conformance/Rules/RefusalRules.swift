import CGantryPlugin
import GantryPlugin

/// The rules about what the constructors refuse, and how.
enum RefusalRules {
    /// Configuration that is no JSON object, or has a member that nobody has thought of.
    static func configuration(_ context: RuleContext) throws(RuleStop) -> Int {
        let table = try context.table()
        let host = VirtualHost()
        let memory = LentMemory(.kept)
        let lentHost = memory.structure(host.table, size: MemoryLayout<gantry_host>.size)
        for (text, mustRefuse) in cases(of: "{}") {
            context.note("instance_new with \(text)")
            let attempt = PluginSession.makeInstance(table, lentHost, Array(text.utf8))
            try judge(attempt, "instance_new", text, mustRefuse: mustRefuse)
            if attempt.status == 0, let instance = attempt.object { table.pointee.instance_free(instance) }
        }
        return cases(of: "{}").count
    }

    /// The same for a deployment's parameters.
    static func parameters(_ context: RuleContext) throws(RuleStop) -> Int {
        let table = try context.table()
        let good = CapturedCommand.text(try ParameterGuess(context).parameters(nil))
        let host = VirtualHost()
        let memory = LentMemory(.kept)
        let lentHost = memory.structure(host.table, size: MemoryLayout<gantry_host>.size)
        let made = PluginSession.makeInstance(table, lentHost, Array("{}".utf8))
        guard made.status == 0, let instance = made.object else { throw .skip("it takes no empty configuration") }
        defer { table.pointee.instance_free(instance) }
        for (text, mustRefuse) in cases(of: good) {
            context.note("target_new with \(text)")
            let attempt = PluginSession.makeTarget(table, instance, Array(text.utf8))
            try judge(attempt, "target_new", text, mustRefuse: mustRefuse)
            if attempt.status == 0, let target = attempt.object { table.pointee.target_free(target) }
        }
        return cases(of: good).count
    }

    private static let unknown = "gantry_check_unknown"

    /// Texts, and whether they have to be refused; what is refused has to be explained in any case.
    private static func cases(of good: String) -> [(String, Bool)] {
        let start = good.dropLast()
        let comma = good == "{}" ? "" : ","
        return [
            (#"\#(start)\#(comma)"\#(unknown)":true}"#, true), ("{", true), ("[]", true), (#""text""#, true),
            ("7", true),
            ("{}", false), (#"{"model":7}"#, false),
        ]
    }

    private static func judge(
        _ attempt: PluginSession.Attempt,
        _ function: String,
        _ text: String,
        mustRefuse: Bool
    ) throws(RuleStop) {
        let shown = text.utf8.count > 80 ? "…" + text.suffix(60) : text
        let place = "\(function) with \(shown)"
        if attempt.status == 0 {
            guard attempt.object != nil else {
                throw .broken(
                    "It returned GANTRY_OK and no object.",
                    at: place,
                    advice: "Set `*out` or return a status."
                )
            }
            guard !mustRefuse else {
                throw .broken(
                    text.contains(unknown)
                        ? "It accepted the unknown name `\(unknown)`." : "It accepted what is no JSON object.",
                    at: place,
                    advice: "Refuse it with a status and one ERROR that names it: a misspelt setting would be ignored."
                )
            }
            return
        }
        guard attempt.object == nil else {
            throw .broken(
                "It returned \(attempt.status) and an object, which nobody frees.",
                at: place,
                advice: "Leave `*out` alone where you return a status."
            )
        }
        try judgeReason(attempt, place)
    }

    private static func judgeReason(_ attempt: PluginSession.Attempt, _ place: String) throws(RuleStop) {
        guard attempt.commands.count == 1, let command = attempt.commands.first, command.hasKind(GANTRY_CMD_ERROR)
        else {
            throw .broken(
                "It returned \(attempt.status) and emitted \(attempt.commands.count) commands instead of one ERROR.",
                at: place,
                advice: "Emit one GANTRY_CMD_ERROR into `why`: the operator sees its message."
            )
        }
        guard command.defect == nil, (1...15).contains(command.code), !command.data.isEmpty else {
            throw .broken(
                "Its ERROR has the class \(command.code) and a message of \(command.data.count) bytes.",
                at: place,
                advice: "Give it a GANTRY_ERR_… class and a message that says what to change."
            )
        }
    }

    /// Operations that the plugin does not promise.
    static func operations(_ context: RuleContext) throws(RuleStop) -> Int {
        guard let script = try context.scripts().first else { return 0 }
        let session = try context.session(script)
        let served = session.table.pointee.ops
        let kinds = (0...63).filter { served & (1 << UInt64($0)) == 0 } + [64, 255, 0xFFFF_FFFF]
        for kind in kinds {
            context.note("op_new(\(kind))")
            let attempt = session.attempt(UInt32(kind))
            guard attempt.status == gantry_status(GANTRY_E_UNSUPPORTED), attempt.operation == nil else {
                throw .broken(
                    "It returned \(attempt.status) for kind \(kind), which is not in `ops`.",
                    at: "op_new",
                    advice: "Return GANTRY_E_UNSUPPORTED for every kind that is not served, also for unknown ones."
                )
            }
        }
        session.close()
        return kinds.count
    }
}
