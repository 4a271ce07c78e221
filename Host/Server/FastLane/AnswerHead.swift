import NIOHTTP1

/// The head of a fast call's answer, but for what frames the body: that is for the ``AnswerWriter``.
struct AnswerHead {
    let status: HTTPResponseStatus
    /// Of the body in bytes; nil if nobody knows yet.
    let length: Int?
    private(set) var fields: [(name: StaticString, value: String)] = []

    init(_ status: HTTPResponseStatus, length: Int?) {
        self.status = status
        self.length = length
        fields.reserveCapacity(8)
    }

    /// Adds a header.
    ///
    /// - Parameters:
    ///   - name: In lower case.
    ///   - value: From wherever: what must not stand in a header is written as spaces.
    mutating func add(_ name: StaticString, _ value: String) { fields.append((name, value)) }
}
