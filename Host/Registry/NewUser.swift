import HostCore

/// A user to be made.
package struct NewUser: Sendable {
    package let id: UserID
    package let alias: String?
    package let email: String?
    package let role: Role
    /// The models that the user's keys may use; empty for all.
    package let models: [String]
    /// JSON, kept as it is.
    package let metadata: String?
    /// In US dollars.
    package let maximumBudget: Double?

    /// Describes a user.
    ///
    /// The id is 1 to 256 printable characters in Unicode normalization form C; nil for a random one.
    package init(
        id: UserID? = nil,
        alias: String? = nil,
        email: String? = nil,
        role: Role = .user,
        models: [String] = [],
        metadata: String? = nil,
        maximumBudget: Double? = nil
    ) {
        self.id = id ?? UserID(RecordUUID.random().text)
        self.alias = alias
        self.email = email
        self.role = role
        self.models = models
        self.metadata = metadata
        self.maximumBudget = maximumBudget
    }
}
