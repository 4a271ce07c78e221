import HostCore

/// Which files a client wants to see.
package struct FileListing: Sendable {
    package enum Order: String, Sendable, CaseIterable {
        case oldestFirst = "asc"
        case newestFirst = "desc"
    }

    /// 1 to 10,000.
    package let limit: Int
    /// The last file of the page before.
    package let after: RequestedFile?
    package let order: Order
    package let purpose: FilePurpose?
    /// Only files that were made for one of these; nil for all.
    package let deployments: Set<DeploymentID>?

    /// Describes a page.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest`, parameter `limit`.
    package init(
        limit: Int = 10_000,
        after: RequestedFile? = nil,
        order: Order = .newestFirst,
        purpose: FilePurpose? = nil,
        deployments: Set<DeploymentID>? = nil
    ) throws(RuleError) {
        guard (1...10_000).contains(limit) else {
            throw RuleError(.invalidRequest, "limit must be between 1 and 10000.", parameter: "limit")
        }
        self.limit = limit
        self.after = after
        self.order = order
        self.purpose = purpose
        self.deployments = deployments
    }
}
