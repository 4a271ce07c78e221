/// What is to be different about a team; nil for what stays.
package struct TeamChange: Sendable {
    /// Empty for none.
    package let alias: String?
    package let models: [String]?
    /// JSON, kept as it is.
    package let metadata: String?
    /// In US dollars.
    package let maximumBudget: Double?
    package let isBlocked: Bool?

    /// Describes a change.
    package init(
        alias: String? = nil,
        models: [String]? = nil,
        metadata: String? = nil,
        maximumBudget: Double? = nil,
        isBlocked: Bool? = nil
    ) {
        self.alias = alias
        self.models = models
        self.metadata = metadata
        self.maximumBudget = maximumBudget
        self.isBlocked = isBlocked
    }
}
