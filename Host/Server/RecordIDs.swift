import HostCore

/// Lists of ids in the bodies of deletions.
enum RecordIDs {
    private static let maximumCount = 100

    /// - Throws: ``RuleError`` with 400 if there are none, or too many.
    static func check(_ ids: [String], parameter: String) throws(RuleError) {
        guard !ids.isEmpty, ids.count <= maximumCount else {
            throw RuleError(.invalidRequest, "\(parameter) must be 1 to \(maximumCount) ids.", parameter: parameter)
        }
    }
}
