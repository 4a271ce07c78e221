/// A request's `Content-Range` in a resumable upload.
enum ContentRange: Equatable {
    /// `bytes */TOTAL` or `bytes */*`: how much is there?
    case status(total: Int?)
    /// `bytes FIRST-LAST/TOTAL` or `bytes FIRST-LAST/*`.
    case chunk(first: Int, last: Int, total: Int?)

    /// Reads the header's value, nil if it is malformed.
    init?(_ value: String) {
        guard value.hasPrefix("bytes ") else { return nil }
        let parts = value.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1] == "*" || Self.number(parts[1]) != nil else { return nil }
        let total = Self.number(parts[1])
        if parts[0] == "*" {
            self = .status(total: total)
            return
        }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false).map(Self.number)
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last, last < Int.max,
            last < total ?? .max
        else {
            return nil
        }
        self = .chunk(first: first, last: last, total: total)
    }

    private static func number(_ text: Substring) -> Int? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? Int(text) : nil
    }
}
