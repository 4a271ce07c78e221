/// What a list is asked for, and the page that answers it.
struct OpenAIPage {
    /// Where the elements begin, for those after it.
    let after: String?
    private let limit: Int
    private let isAscending: Bool

    /// Reads the query of a list, newest first unless it has an order.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - fields: What may stand in the query besides `after` and `limit`.
    ///   - limits: How many elements may be asked for.
    ///   - usual: How many come if none are asked for.
    /// - Throws: ``OpenAIError`` 400.
    init(_ request: Incoming, fields: [String] = [], limits: ClosedRange<Int>, usual: Int) throws {
        for field in request.query {
            let name = String(field.name.prefix { $0 != "[" })
            guard (["after", "limit"] + fields).contains(name) else {
                throw OpenAIError.invalid(
                    "Unknown parameter: '\(field.name)'.",
                    param: field.name,
                    code: "unknown_parameter"
                )
            }
        }
        after = request.query("after")
        limit = try Self.limit(of: request, limits: limits) ?? usual
        switch fields.contains("order") ? request.query("order") ?? "desc" : "desc" {
        case "asc": isAscending = true
        case "desc": isAscending = false
        default:
            throw OpenAIError.invalid(
                "Invalid 'order': expected 'asc' or 'desc'.",
                param: "order",
                code: "invalid_value"
            )
        }
    }

    /// The page of some elements that are given oldest first.
    ///
    /// - Parameters:
    ///   - elements: All of them.
    ///   - kind: What one is called, for the refusal of an `after` that is none of them.
    ///   - id: What an element is called by.
    /// - Returns: The elements, and whether there are more.
    /// - Throws: ``OpenAIError`` 400.
    func elements<T>(
        of elements: [T],
        kind: String,
        id: (T) -> String
    ) throws -> (elements: ArraySlice<T>, hasMore: Bool) {
        var all = isAscending ? elements : elements.reversed()
        if let after {
            guard let index = all.firstIndex(where: { id($0) == after }) else {
                throw OpenAIError.invalid("No such \(kind) object: \(after)", param: "after")
            }
            all.removeFirst(index + 1)
        }
        return (all.prefix(limit), all.count > limit)
    }

    private static func limit(of request: Incoming, limits: ClosedRange<Int>) throws -> Int? {
        guard let text = request.query("limit") else { return nil }
        guard let limit = Int(text) else {
            throw OpenAIError.invalid("Invalid 'limit': expected an integer.", param: "limit", code: "invalid_type")
        }
        guard limit >= limits.lowerBound else {
            let message =
                "Invalid 'limit': integer below minimum value. Expected a value >= \(limits.lowerBound), but got "
                + "\(limit) instead."
            throw OpenAIError.invalid(message, param: "limit", code: "integer_below_min_value")
        }
        guard limit <= limits.upperBound else {
            let message =
                "Invalid 'limit': integer above maximum value. Expected a value <= \(limits.upperBound), but got "
                + "\(limit) instead."
            throw OpenAIError.invalid(message, param: "limit", code: "integer_above_max_value")
        }
        return limit
    }
}
