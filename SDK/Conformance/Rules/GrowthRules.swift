import CGantryPlugin

/// The rules about hosts that know less or more than the plugin.
enum GrowthRules {
    /// The host's table ends after every one of its functions.
    static func olderHost(_ context: RuleContext) throws(RuleStop) -> Int {
        let sizes = [24, 48, 56, 64, 72, 80, 88, 96]
        return try context.eachScript { (script) throws(RuleStop) in
            for size in sizes {
                context.note("\(script.name), with \(size) bytes of gantry_host")
                let session: PluginSession
                do throws(RuleStop) {
                    session = try PluginSession(
                        try context.table(),
                        configuration: script.configuration ?? Array("{}".utf8),
                        parameters: script.parameters ?? Array("{}".utf8),
                        name: script.name,
                        hostSize: size,
                        hostMemory: .guarded
                    )
                } catch {
                    // A plugin may refuse a host that cannot do what it needs.
                    continue
                }
                let run = try session.begin(script, memory: .guarded)
                run.finish()
                run.free()
                session.close()
            }
            return sizes.count
        }
    }

    /// Events end after every one of their members.
    static func olderEvents(_ context: RuleContext) throws(RuleStop) -> Int {
        let sizes = [8, 12, 16, 20, 32, 48, 64, 80]
        return try context.eachScript { (script) throws(RuleStop) in
            for size in sizes {
                context.note("\(script.name), with events of \(size) bytes")
                let session = try context.session(script)
                let run = try session.begin(script, memory: .guarded)
                while var event = run.next(), run.steps.count < OperationRun.maximumEvents {
                    event.size = size
                    run.deliver(event)
                }
                run.free()
                session.close()
            }
            return sizes.count
        }
    }

    /// Events are longer than the plugin knows.
    static func newerEvents(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let baseline = try context.baseline(script)
            let session = try context.session(script)
            let run = try session.begin(script)
            while var event = run.next(), run.steps.count < OperationRun.maximumEvents {
                event.size = MemoryLayout<gantry_event>.size + 64
                run.deliver(event)
            }
            run.free()
            session.close()
            try TraceComparison.check(
                run.steps,
                against: baseline,
                script,
                when: "events came from a host of a later minor and were 64 bytes longer",
                advice: "Compare `event->size` with `>=` only, and ignore what is past the members that you know."
            )
            return 1
        }
    }

    /// Events of unknown kinds, and of requests that are not outstanding, come before every event.
    static func unknownEvents(_ context: RuleContext) throws(RuleStop) -> Int {
        let kinds: [Int] = [0, 11, 12, 31, 32, 64, 0x7FFF_FFFF, 0xFFFF_FFFF]
        return try context.eachScript { (script) throws(RuleStop) in
            let baseline = try context.baseline(script)
            let session = try context.session(script)
            let run = try session.begin(script)
            var known: [OperationRun.Step] = []
            while let event = run.next(), run.steps.count < OperationRun.maximumEvents {
                for kind in kinds {
                    context.note("\(script.name), event \(kind) before event \(known.count + 1)")
                    var stranger = ScriptedEvent(kind)
                    // It looks like a piece of the answer, so that it is not taken for one.
                    (stranger.request, stranger.code, stranger.data) = (event.request, 200, Array("stranger".utf8))
                    if kinds.first == kind { stranger.size = MemoryLayout<gantry_event>.size + 64 }
                    let step = run.step(stranger)
                    guard step.commands.isEmpty, step.status == 0 else {
                        throw .broken(
                            "An event of the unknown kind \(kind) led to "
                                + (step.commands.first.map { "`\($0.shortLine)`" } ?? "the status \(step.status)")
                                + ".",
                            at: "\(script.name), before event \(known.count + 1) (\(event.name))",
                            advice: "Ignore kinds that you do not know: return GANTRY_OK and emit nothing."
                        )
                    }
                }
                known.append(run.deliver(event))
            }
            run.free()
            session.close()
            try TraceComparison.check(
                known,
                against: baseline,
                script,
                when: "events of unknown kinds came in between",
                advice: "Ignore kinds that you do not know; do not take them for the awaited one."
            )
            return known.count * kinds.count
        }
    }
}

extension ConformanceRule {
    static let growthRules = [
        ConformanceRule("older-host", "members of gantry_host past its size are not read") {
            (context) throws(RuleStop) in try GrowthRules.olderHost(context)
        },
        ConformanceRule("older-events", "members of gantry_event past its size are not read") {
            (context) throws(RuleStop) in try GrowthRules.olderEvents(context)
        },
        ConformanceRule("newer-events", "events may be longer than the plugin knows") {
            (context) throws(RuleStop) in try GrowthRules.newerEvents(context)
        },
        ConformanceRule("unknown-events", "events of unknown kinds are ignored") {
            (context) throws(RuleStop) in try GrowthRules.unknownEvents(context)
        },
    ]
}
