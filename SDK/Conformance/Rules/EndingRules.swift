import CGantryPlugin

/// The rules about operations that end early.
enum EndingRules {
    /// More places than this are thinned out.
    static let maximumPlaces = 300

    /// Some of the numbers below a count: all of them if they are few, otherwise the first half and a spread of the rest.
    static func places(_ count: Int, atMost limit: Int = maximumPlaces) -> [Int] {
        guard count > limit else { return Array(0..<count) }
        let first = limit / 2
        let rest = limit - first
        return Array(0..<first) + (0..<rest).map { first + $0 * (count - first) / rest }
    }

    /// Runs the first events of a script.
    static func run(_ session: PluginSession, _ script: ConformanceScript, events: Int) throws(RuleStop) -> OperationRun
    {
        let run = try session.begin(script)
        while run.steps.count < events, let event = run.next() { run.deliver(event) }
        return run
    }

    /// CANCEL before every event, and after the last one that the script needs.
    static func cancel(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let events = try context.baseline(script).count
            for count in places(events) {
                context.note("\(script.name), CANCEL before event \(count + 1)")
                let session = try context.session(script)
                let run = try run(session, script, events: count)
                let step = run.cancel()
                let place = "\(script.name), CANCEL before event \(count + 1)"
                let allowed = [GANTRY_CMD_FORGET, GANTRY_CMD_RESULT, GANTRY_CMD_ERROR]
                if let wrong = step.commands.first(where: { !allowed.contains(Int($0.kind)) }) {
                    throw .broken(
                        "It emitted `\(wrong.shortLine)` to a client that is gone.",
                        at: place,
                        advice: "After CANCEL emit at most FORGET, RESULT and ERROR."
                    )
                }
                guard step.status == 0 else {
                    throw .broken("`op_step` returned \(step.status).", at: place, advice: "Return GANTRY_OK.")
                }
                run.free()
                try checkStray(run, place)
                session.close()
            }
            return places(events).count
        }
    }

    /// `op_free` after every event, also without an end.
    static func free(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let events = try context.baseline(script).count
            for count in places(events + 1) {
                let place = "\(script.name), op_free after \(count) events"
                context.note(place)
                let session = try context.session(script)
                let run = try run(session, script, events: count)
                run.free()
                try checkStray(run, place)
                session.close()
                try context.checkHost(session, place)
            }
            return events + 1
        }
    }

    private static func checkStray(_ run: OperationRun, _ place: String) throws(RuleStop) {
        guard run.sink.strayCommands > 0 else { return }
        throw .broken(
            "It emitted \(run.sink.strayCommands) commands while no step was running.",
            at: place,
            advice: "The sink is lent for one `op_step`: do not keep it, and emit nothing from `op_free`."
        )
    }

    /// Every emit refused once, with every status.
    static func refusedCommands(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let commands = try context.baseline(script).flatMap { $0.commands }
            let refusals = [GANTRY_E_UNSUPPORTED, GANTRY_E_INVALID, GANTRY_E_STATE, GANTRY_E_NOMEM, GANTRY_E_LIMIT]
            for refused in places(commands.count, atMost: 60) {
                for status in refusals {
                    context.note("\(script.name), command \(refused + 1) refused with \(status)")
                    try refuse(refused, gantry_status(status), script, context)
                }
            }
            return places(commands.count, atMost: 60).count * refusals.count
        }
    }

    private static func refuse(
        _ refused: Int,
        _ status: gantry_status,
        _ script: ConformanceScript,
        _ context: RuleContext
    ) throws(RuleStop) {
        let session = try context.session(script)
        let run = try session.begin(script)
        run.sink.answer = { $0 == refused ? status : nil }
        let isOver = run.finish()
        let place = "\(script.name), command \(refused + 1) refused with \(status)"
        guard refused < run.commands.count else {
            throw .broken("The command was not emitted this time.", at: place, advice: "See the rule `deterministic`.")
        }
        let command = run.commands[refused]
        let later = run.commands[(refused + 1)...]
        if Int(status) == GANTRY_E_LIMIT {
            let step = run.steps.first { $0.commands.indices.contains(refused) }
            guard step?.commands.last == command || step?.commands.count == 1 else {
                throw .broken(
                    "It went on emitting after `\(command.name)` was refused with GANTRY_E_LIMIT.",
                    at: place,
                    advice: "Stop emitting in that step and return: the host is out of room."
                )
            }
        }
        guard isOver else {
            throw .broken(
                "It waits for something that never comes: `\(command.shortLine)` was refused.",
                at: place,
                advice: "Look at what `emit` returns: end with ERROR, or return the status from `op_step`."
            )
        }
        let mattered = [GANTRY_CMD_REMEMBER, GANTRY_CMD_OUTPUT, GANTRY_CMD_PIPE].contains(Int(command.kind))
        if mattered, run.status == 0, later.contains(where: { $0.hasKind(GANTRY_CMD_RESULT) && $0.answer == 0 }) {
            throw .broken(
                "It reported success though `\(command.shortLine)` was refused.",
                at: place,
                advice: "What the host did not take has not happened: end with ERROR."
            )
        }
        run.free()
        session.close()
    }
}

extension ConformanceRule {
    static let endingRules = [
        ConformanceRule("cancel", "CANCEL may come before every event; FORGET, RESULT and ERROR may follow it") {
            (context) throws(RuleStop) in try EndingRules.cancel(context)
        },
        ConformanceRule("free", "op_free may come after every event, and emits nothing") {
            (context) throws(RuleStop) in try EndingRules.free(context)
        },
        ConformanceRule(
            "refused-commands",
            "a command that the host refuses ends the operation instead of being ignored"
        ) {
            (context) throws(RuleStop) in try EndingRules.refusedCommands(context)
        },
    ]
}
