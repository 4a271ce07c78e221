import CConformance
import CGantryPlugin

/// The rules about memory.
enum MemoryRules {
    /// Everything lent lies in exactly sized blocks that are overwritten and freed after the call.
    static func lentMemory(_ context: RuleContext) throws(RuleStop) -> Int {
        try lend(context, .scribbled, when: "what was lent for earlier calls had been overwritten and freed")
    }

    /// Everything lent ends at a page that traps, and traps itself after the call.
    static func guardedMemory(_ context: RuleContext) throws(RuleStop) -> Int {
        try lend(context, .guarded, when: "what was lent for earlier calls could not be read any more")
    }

    private static func lend(
        _ context: RuleContext,
        _ kind: LentMemory.Kind,
        when condition: String
    ) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let baseline = try context.baseline(script)
            let session = try context.session(script)
            let run = try session.begin(script, memory: kind)
            while let event = run.next(), run.steps.count < OperationRun.maximumEvents {
                context.note("\(script.name), event \(run.steps.count + 1) (\(event.name))")
                run.deliver(event)
            }
            run.free()
            session.close()
            try TraceComparison.check(
                run.steps,
                against: baseline,
                script,
                when: condition,
                advice:
                    "Every pointer of an event is lent for the call: copy what is needed later, and stay within `len`."
            )
            return run.steps.count
        }
    }

    private static let operations = 250
    private static let rounds = 4
    /// Less than the smallest block that malloc hands out, for each operation.
    private static let toleratedBytesPerOperation = 12

    /// What is allocated, and what was mapped past the allocator.
    private static func heldBytes(_ resources: CheckerResources) -> Int {
        gantry_heap_bytes() + max(0, resources.dataBytes() - gantry_heap_reserved_bytes())
    }

    /// Memory does not grow with the number of operations, however they end.
    static func flat(_ context: RuleContext) throws(RuleStop) -> Int {
        var cases = 0
        for script in try context.scripts() {
            let events = try context.baseline(script).count
            let session = try context.session(script)
            var used: [Int] = []
            for round in 0...rounds {
                context.note("\(script.name), \(operations) operations, round \(round + 1)")
                for index in 0..<operations {
                    // Half of them go to their end, the others are dropped somewhere on the way.
                    let stop = index.isMultiple(of: 2) ? Int.max : index / 2 % (events + 1)
                    try EndingRules.run(session, script, events: stop).free()
                }
                used.append(heldBytes(context.subject.resources))
            }
            session.close()
            cases += operations * (rounds + 1)
            // The first round fills caches. What grows in every other one is a leak.
            let growth = zip(used.dropFirst(), used.dropFirst(2)).map { $1 - $0 }
            let least = growth.min() ?? 0
            guard least <= operations * toleratedBytesPerOperation else {
                throw .broken(
                    "Memory grows by \(least / operations) bytes with every operation.",
                    at: script.name,
                    advice: "Free what belongs to an operation in `op_free`, also when it comes before the end."
                )
            }
        }
        return cases
    }
}

extension ConformanceRule {
    static let memoryRules = [
        ConformanceRule("lent-memory", "nothing that was lent for a call is used after it") {
            (context) throws(RuleStop) in try MemoryRules.lentMemory(context)
        },
        ConformanceRule("guarded-memory", "nothing is read past its end or after its call, with pages that trap") {
            (context) throws(RuleStop) in try MemoryRules.guardedMemory(context)
        },
        ConformanceRule("memory", "memory does not grow with the number of operations") {
            (context) throws(RuleStop) in try MemoryRules.flat(context)
        },
    ]
}
