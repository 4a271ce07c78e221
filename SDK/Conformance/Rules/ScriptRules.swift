import CGantryPlugin
import GantryPlugin

/// The rules about an operation that nothing happens to.
enum ScriptRules {
    /// Every script comes to an end, with the commands that it expects.
    static func ends(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let session = try context.session(script)
            let run = try session.begin(script)
            while let event = run.next(), run.steps.count < OperationRun.maximumEvents {
                context.note("\(script.name), event \(run.steps.count + 1) (\(event.name))")
                run.deliver(event)
            }
            let ended = run.isOver
            let place = run.place
            run.free()
            session.close()
            if run.status != 0 {
                throw .broken(
                    "`op_step` returned \(run.status).",
                    at: place,
                    advice:
                        "Emit an ERROR and return GANTRY_OK: another status tells the client nothing but `plugin_failed`."
                )
            }
            guard ended else {
                throw run.steps.count >= OperationRun.maximumEvents
                    ? .broken(
                        "The operation goes on after \(run.steps.count) events.",
                        at: place,
                        advice: "End it: bound repetitions and pages."
                    )
                    : .broken(
                        "The plugin waits for nothing, and has emitted neither RESULT nor ERROR.",
                        at: place,
                        advice:
                            "Every step has to leave a request, a token, a timer or a line outstanding, or end the operation."
                    )
            }
            try context.checkHost(session, script.name)
            try compareWithExpectations(run, script)
            return 1
        }
    }

    private static func compareWithExpectations(_ run: OperationRun, _ script: ConformanceScript) throws(RuleStop) {
        guard let expected = script.expected else { return }
        let lines = run.commands.map(\.line)
        for index in 0..<max(expected.count, lines.count) {
            let pattern = index < expected.count ? expected[index] : nil
            let line = index < lines.count ? lines[index] : nil
            if let pattern, let line, matches(line, pattern) { continue }
            throw .broken(
                "Command \(index + 1) is \(line.map { "`\($0.prefix(160))`" } ?? "missing") instead of "
                    + "\(pattern.map { "`\($0.prefix(160))`" } ?? "no command").",
                at: script.name,
                advice: "Correct the plugin, or the script's `expect`."
            )
        }
    }

    private static func matches(_ line: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? line.hasPrefix(pattern.dropLast()) : line == pattern
    }

    /// The same events lead to the same commands.
    static func isDeterministic(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let first = try context.baseline(script)
            let second = try context.baseline(script)
            try TraceComparison.check(
                second,
                against: first,
                script,
                when: "the same operation ran a second time",
                advice:
                    "Take time and randomness from the host (`now_ms`, `random`), and keep nothing between operations "
                    + "that changes them."
            )
            return 2
        }
    }

    /// Results have the form that the operation's kind asks for.
    static func results(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let commands = try context.baseline(script).flatMap { $0.commands }
            guard let end = commands.last, end.hasKind(GANTRY_CMD_RESULT) else { return 0 }
            try ResultShape.check(end, commands, script)
            return 1
        }
    }
}

extension ConformanceRule {
    static let scriptRules = [
        ConformanceRule("scripts", "every script ends with RESULT or ERROR, and with the commands that it expects") {
            (context) throws(RuleStop) in try ScriptRules.ends(context)
        },
        ConformanceRule("commands", "every command is well-formed and allowed where it is emitted") {
            (context) throws(RuleStop) in try CommandRules.check(context)
        },
        ConformanceRule("results", "results have the form of their operation; what exists is remembered before them") {
            (context) throws(RuleStop) in try ScriptRules.results(context)
        },
        ConformanceRule("deterministic", "the same events lead to the same commands") {
            (context) throws(RuleStop) in try ScriptRules.isDeterministic(context)
        },
    ]
}
