import CGantryPlugin

/// The rules about what a plugin does to its process, and about operations side by side.
enum ProcessRules {
    /// Two operations of one instance take turns.
    static func interleaved(_ context: RuleContext) throws(RuleStop) -> Int {
        let scripts = try context.scripts()
        var cases = 0
        for (index, script) in scripts.enumerated() {
            let other = scripts[(index + 1) % scripts.count]
            for (first, second) in [(script, script), (script, other)] where first.parameters == second.parameters {
                context.note("\(first.name) and \(second.name) in turns")
                let session = try context.session(first)
                let runs = [try session.begin(first), try session.begin(second)]
                var isMoving = true
                while isMoving {
                    isMoving = false
                    for run in runs where run.steps.count < OperationRun.maximumEvents {
                        guard let event = run.next() else { continue }
                        run.deliver(event)
                        isMoving = true
                    }
                }
                for run in runs { run.free() }
                session.close()
                for run in runs {
                    try TraceComparison.check(
                        run.steps,
                        against: try context.baseline(run.script),
                        run.script,
                        when: "another operation of the instance (\(second.name)) took turns with it",
                        advice:
                            "Keep the state of an operation in its `gantry_op`, not in globals, the instance or the target."
                    )
                }
                cases += 1
            }
        }
        return cases
    }

    /// Every call comes on another thread.
    static func anyThread(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let baseline = try context.baseline(script)
            let threads = try context.threads()
            var session: Result<PluginSession, RuleStop>?
            threads.run(on: 1) { session = Result { () throws(RuleStop) in try context.session(script) } }
            guard let opened = try session?.get() else { return 0 }
            let run = try opened.begin(script)
            while let event = run.next(), run.steps.count < OperationRun.maximumEvents {
                context.note("\(script.name), event \(run.steps.count + 1) (\(event.name)) on another thread")
                threads.run(on: run.steps.count) { run.deliver(event) }
            }
            threads.run(on: run.steps.count) { run.free() }
            opened.close()
            try TraceComparison.check(
                run.steps,
                against: baseline,
                script,
                when: "every call came on another thread",
                advice: "Keep no state in thread-local variables: calls may arrive on any thread."
            )
            return run.steps.count
        }
    }

    /// Operations of one instance run at the same time, if the plugin says that they may.
    static func parallel(_ context: RuleContext) throws(RuleStop) -> Int {
        guard try context.table().pointee.flags & UInt32(GANTRY_PF_PARALLEL) != 0 else {
            throw .skip("the plugin does not set GANTRY_PF_PARALLEL")
        }
        let threads = try context.threads()
        let rounds = 50
        return try context.eachScript { (script) throws(RuleStop) in
            let baseline = try context.baseline(script)
            let session = try context.session(script)
            context.note("\(script.name), \(threads.count) threads at once")
            let traces = threads.runAtOnce { () -> [Result<[OperationRun.Step], RuleStop>] in
                (0..<rounds).map { _ in
                    Result { () throws(RuleStop) in
                        let run = try session.begin(script)
                        run.finish()
                        run.free()
                        return run.steps
                    }
                }
            }
            session.close()
            for trace in traces.joined() {
                try TraceComparison.check(
                    try trace.get(),
                    against: baseline,
                    script,
                    when: "operations of the instance ran at the same time",
                    advice: "Guard what operations share, or do not set GANTRY_PF_PARALLEL."
                )
            }
            return threads.count * rounds
        }
    }

    /// The process is what it was before the library was opened.
    static func leavesProcessAlone(_ part: ProcessPart, _ context: RuleContext) throws(RuleStop) -> Int {
        guard let before = ProcessState(part, context.subject.resources) else {
            throw .skip("this process may not look at itself")
        }
        _ = try context.table()
        try compare(before, part, at: "opening the library", context)
        return try context.eachScript { (script) throws(RuleStop) in
            for isCancelled in [false, true] {
                let session = try context.session(script)
                let run = try session.begin(script)
                if isCancelled { _ = run.cancel() } else { run.finish() }
                // Before anything is freed: a thread may end with its instance.
                try compare(before, part, at: script.name, context)
                run.free()
                session.close()
            }
            return 2
        }
    }

    private static func compare(
        _ before: ProcessState,
        _ part: ProcessPart,
        at place: String,
        _ context: RuleContext
    ) throws(RuleStop) {
        guard let now = ProcessState(part, context.subject.resources), let change = before.change(to: now) else {
            return
        }
        throw .broken("The plugin \(change).", at: place, advice: part.advice)
    }

    /// Instances are made before a worker gives everything up, as there; operations run after it.
    static func sandbox(_ context: RuleContext) throws(RuleStop) -> Int {
        guard let seal = context.subject.seal else { throw .skip("there is no sandbox here") }
        var sessions: [(PluginSession, ConformanceScript)] = []
        for script in try context.scripts() { sessions.append((try context.session(script), script)) }
        context.note("giving up everything that a worker gives up")
        guard seal() else { throw .skip("the sandbox could not be closed") }
        for (session, script) in sessions {
            context.note("\(script.name), where only a worker's system calls are allowed")
            try session.makeAnotherTarget()
            let run = try session.begin(script)
            run.finish()
            run.free()
            session.close()
        }
        return sessions.count
    }
}

extension ConformanceRule {
    static let processRules = [
        ConformanceRule("interleaved", "operations of one instance that take turns do not mix") {
            (context) throws(RuleStop) in try ProcessRules.interleaved(context)
        },
        ConformanceRule("any-thread", "calls may come on any thread", needsThreads: true) {
            (context) throws(RuleStop) in try ProcessRules.anyThread(context)
        },
        ConformanceRule("parallel", "operations run at the same time if GANTRY_PF_PARALLEL is set", needsThreads: true)
        {
            (context) throws(RuleStop) in try ProcessRules.parallel(context)
        },
        ConformanceRule("threads", "the plugin starts no threads") {
            (context) throws(RuleStop) in try ProcessRules.leavesProcessAlone(.threads, context)
        },
        ConformanceRule("signals", "the plugin leaves signal handlers and masks alone") {
            (context) throws(RuleStop) in try ProcessRules.leavesProcessAlone(.signals, context)
        },
        ConformanceRule("environment", "the plugin leaves environment, folder, descriptors, locale and limits alone") {
            (context) throws(RuleStop) in try ProcessRules.leavesProcessAlone(.environment, context)
        },
        ConformanceRule("sandbox", "operations make no system call that a worker forbids") {
            (context) throws(RuleStop) in try ProcessRules.sandbox(context)
        },
    ]
}
