import CGantryPlugin

/// Holds what a plugin did against what it did before.
enum TraceComparison {
    /// Compares the commands of two runs of a script, event by event.
    ///
    /// - Throws: A finding at the first difference.
    static func check(
        _ steps: [OperationRun.Step],
        against baseline: [OperationRun.Step],
        _ script: ConformanceScript,
        when condition: String,
        advice: String
    ) throws(RuleStop) {
        for (index, (step, expected)) in zip(steps, baseline).enumerated() {
            let place = "\(script.name), event \(index + 1) (\(step.event.name))"
            guard step.status == expected.status else {
                throw .broken(
                    "`op_step` returned \(step.status) instead of \(expected.status) when \(condition).",
                    at: place,
                    advice: advice
                )
            }
            try compare(step, expected, place, condition, advice)
        }
        guard steps.count == baseline.count else {
            throw .broken(
                "The operation took \(steps.count) events instead of \(baseline.count) when \(condition).",
                at: script.name,
                advice: advice
            )
        }
    }

    private static func compare(
        _ step: OperationRun.Step,
        _ expected: OperationRun.Step,
        _ place: String,
        _ condition: String,
        _ advice: String
    ) throws(RuleStop) {
        for (command, other) in zip(step.commands, expected.commands) where command != other {
            let change =
                command.line == other.line
                ? "the command `\(command.name)` had other \(difference(command, other))"
                : "it emitted `\(command.shortLine)` instead of `\(other.shortLine)`"
            throw .broken("When \(condition), \(change).", at: place, advice: advice)
        }
        guard step.commands.count == expected.commands.count else {
            throw .broken(
                "When \(condition), it emitted \(step.commands.count) commands instead of \(expected.commands.count).",
                at: place,
                advice: advice
            )
        }
    }

    private static func difference(_ one: CapturedCommand, _ other: CapturedCommand) -> String {
        if one.pairs != other.pairs { return "headers" }
        if one.segments != other.segments { return "body segments" }
        if one.value != other.value { return "`value`" }
        if one.text != other.text { return "`text`" }
        if one.request != other.request { return "`request`" }
        return "members"
    }
}
