import HTTPTypes
import HostCore

/// What a request asks for of a content whose length is known (RFC 9110 §14).
enum ContentRange: Hashable, Sendable {
    /// All of it: there is no range, or none that has to be understood, or it is of an older content.
    case whole
    case part(ClosedRange<Int64>)
    /// It begins behind the end.
    case unsatisfiable

    /// Reads the headers of a GET.
    ///
    /// Several ranges at once are answered with the whole, as RFC 9110 §14.2 allows: no provider gives them back.
    ///
    /// - Parameters:
    ///   - headers: The request's.
    ///   - entityTag: The content's, strong; nil if it has none.
    ///   - size: Of the content in bytes.
    init(_ headers: HTTPFields, entityTag: String?, size: Int64) {
        guard let text = headers[.range], Self.applies(headers, entityTag), let wanted = Self.single(text) else {
            self = .whole
            return
        }
        switch wanted {
        case (let first?, let last) where first < size: self = .part(first...min(last ?? .max, size - 1))
        case (nil, let count?) where count > 0 && size > 0: self = .part(max(0, size - count)...size - 1)
        default: self = .unsatisfiable
        }
    }

    /// Whether `If-Range` lets the range count (RFC 9110 §13.1.5); there are no dates here.
    private static func applies(_ headers: HTTPFields, _ entityTag: String?) -> Bool {
        guard let condition = headers[.ifRange] else { return true }
        return condition == entityTag
    }

    /// `first-last`, `first-` or `-count`; nil for anything else.
    private static func single(_ text: String) -> (first: Int64?, last: Int64?)? {
        guard let equals = text.firstIndex(of: "="), text[..<equals].lowercased() == "bytes" else { return nil }
        let range = text[text.index(after: equals)...].trimmingSpaces
        let ends = range.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = number(ends[0]), let last = number(ends[1]) else { return nil }
        guard first != nil || last != nil else { return nil }
        if let first, let last, first > last { return nil }
        return (first, last)
    }

    /// - Returns: Nil if it is no number; a number that is absent if the text is empty.
    private static func number(_ text: Substring) -> Int64?? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        if text.isEmpty { return .some(nil) }
        // Behind every end, however long it is written.
        return .some(Int64(text) ?? .max)
    }
}
