import HostCore

/// Which page of a list of objects, or of what belongs to one, a client asks for.
struct PageQuery: Sendable {
    private static let names: Set<String> = ["limit", "after", "custom_llm_provider"]
    private static let longestID = 4096

    let limit: Int?
    let after: String?

    /// Reads a query.
    ///
    /// - Parameters:
    ///   - query: The request's.
    ///   - isKnown: Whether the list has a parameter besides the usual ones.
    /// - Throws: ``RuleError`` with `.invalidRequest`, the parameter is the one that is wrong.
    init(_ query: QueryParameters, alsoKnown isKnown: (String) -> Bool = { _ in false }) throws(RuleError) {
        for (name, _) in query.pairs {
            guard Self.names.contains(name) || isKnown(name) else {
                throw RuleError.invalid(name, "is not a parameter of this list")
            }
            guard query.all(name).count == 1 else { throw RuleError.invalid(name, "comes more than once") }
        }
        if let text = query["limit"] {
            guard let number = Int(text), (1...100).contains(number) else {
                throw RuleError.invalid("limit", "must be a whole number from 1 to 100")
            }
            limit = number
        } else {
            limit = nil
        }
        after = query["after"]
        if let after, after.utf8.count > Self.longestID { throw RuleError.invalid("after", "is no id") }
    }
}
