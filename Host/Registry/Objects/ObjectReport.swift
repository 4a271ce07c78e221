import HostCore

/// What a provider says of an object.
package struct ObjectReport: Hashable, Sendable {
    /// In OpenAI's words, such as `in_progress`.
    package let status: String
    /// What clients are shown, as a JSON object without managed ids.
    package let document: String

    /// Makes a report.
    package init(status: String, document: String) {
        self.status = status
        self.document = document
    }
}

/// Which objects a client wants to see.
package struct ObjectListing: Sendable {
    package let kind: ManagedObjectKind
    /// 1 to 100.
    package let limit: Int
    /// The last object of the page before.
    package let after: RequestedObject?
    package let order: FileListing.Order

    /// Describes a page.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest`, parameter `limit`.
    package init(
        _ kind: ManagedObjectKind,
        limit: Int = 20,
        after: RequestedObject? = nil,
        order: FileListing.Order = .newestFirst
    ) throws(RuleError) {
        guard (1...100).contains(limit) else {
            throw RuleError(.invalidRequest, "limit must be between 1 and 100.", parameter: "limit")
        }
        self.kind = kind
        self.limit = limit
        self.after = after
        self.order = order
    }
}

/// One page of a list of objects.
package struct ObjectPage: Sendable {
    package let objects: [ManagedObject]
    /// Whether there are objects behind the last one of this page.
    package let hasMore: Bool
}
