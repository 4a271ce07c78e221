import GantryPlugin

/// How far the stream of a response is; the events themselves are the client's, byte for byte.
struct ResponseStream {
    /// Whether nothing has come.
    private(set) var isEmpty = true

    private var hasNames = false
    private var isOver = false

    private static let ends = [
        "response.completed", "response.incomplete", "response.failed", "response.cancelled", "error",
    ]

    /// Notes an event; only its name is looked at.
    mutating func note(_ event: Chunk) {
        isEmpty = false
        guard !event.event.isEmpty else { return }
        hasNames = true
        if Self.ends.contains(event.event) { isOver = true }
    }

    /// Checks that nothing is missing at the end.
    /// - Throws: ``Failure`` if there was no event, or none that ends a stream.
    func checkEnd() throws(Failure) {
        guard !isEmpty else { throw Responses.malformed("has no events") }
        guard isOver || !hasNames else {
            throw Failure(.upstreamUnavailable, "The provider's stream has ended before the response was over.")
        }
    }

    /// The response in the first event.
    /// - Throws: ``Failure`` for an event that is an error, and for one that has no response.
    static func response(in event: Chunk) throws(Failure) -> JSON {
        try checkStart(event)
        let value = try Responses.object(event.data)
        guard let response = value["response"], response.object != nil else {
            throw Responses.malformed("begins with an event without a response")
        }
        return response
    }

    /// Checks that the first event is no error: while the client has got nothing, it can have a real one.
    static func checkStart(_ event: Chunk) throws(Failure) {
        guard event.event == "error" || event.event.isEmpty else { return }
        let value = try Responses.object(event.data)
        guard value["type"]?.string == "error" || value["error"]?.object != nil else { return }
        throw Failures.failure(event: event.data)
    }
}
