/// One rule of the ABI that a plugin is checked against.
package struct ConformanceRule: Sendable {
    /// What the rule is called on the command line and in results: lower-case words joined by hyphens.
    package let name: String
    /// One line: what a plugin has to do.
    package let summary: String
    /// Whether the checker itself makes threads for the rule.
    package let needsThreads: Bool

    let check: @Sendable (RuleContext) throws(RuleStop) -> Int

    init(
        _ name: String,
        _ summary: String,
        needsThreads: Bool = false,
        _ check: @escaping @Sendable (RuleContext) throws(RuleStop) -> Int
    ) {
        self.name = name
        self.summary = summary
        self.needsThreads = needsThreads
        self.check = check
    }

    /// Every rule, in the order in which they are worth looking at.
    package static let all: [ConformanceRule] =
        entryRules + scriptRules + endingRules + growthRules + memoryRules
        + answerRules + processRules

    /// The rule of that name; nil if there is none.
    package static func named(_ name: String) -> ConformanceRule? { all.first { $0.name == name } }
}
