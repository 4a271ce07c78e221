import HostCore

/// What is to be different about a user; nil for what stays.
package struct UserChange: Sendable {
    /// Empty for none.
    package let alias: String?
    /// Empty for none.
    package let email: String?
    package let role: Role?
    package let models: [String]?
    /// JSON, kept as it is.
    package let metadata: String?
    /// In US dollars.
    package let maximumBudget: Double?

    /// Describes a change.
    package init(
        alias: String? = nil,
        email: String? = nil,
        role: Role? = nil,
        models: [String]? = nil,
        metadata: String? = nil,
        maximumBudget: Double? = nil
    ) {
        self.alias = alias
        self.email = email
        self.role = role
        self.models = models
        self.metadata = metadata
        self.maximumBudget = maximumBudget
    }
}
