import GantryPlugin

/// What chat and Responses make of Gemini's answers alike.
enum UpstreamAnswer {
    /// The payload of an event of `streamGenerateContent`.
    ///
    /// - Parameter payload: A `GenerateContentResponse`, or an error.
    /// - Returns: The response.
    /// - Throws: The error of the event, or `.upstreamProtocol`.
    static func event(_ payload: [UInt8]) throws(Failure) -> JSON {
        guard let event = Wire.document(payload), event.object != nil || event.array != nil else {
            throw Failure(.upstreamProtocol, "An event of \(Wire.providerName)'s stream is not JSON.")
        }
        if let error = event["error"] ?? event.array?.first?["error"] {
            throw UpstreamError(status: nil, error: error).failure(service: Wire.providerName)
        }
        return event
    }

    /// Refuses an answer of `generateContent` that is an error in spite of its status.
    static func requireNoError(_ response: JSON) throws(Failure) {
        guard let error = response["error"] else { return }
        throw UpstreamError(status: nil, error: error).failure(service: Wire.providerName)
    }

    /// The candidate of a request that asks for one; nil if the response or the event has none.
    static func candidate(of response: JSON) -> JSON? {
        for (position, candidate) in (response["candidates"]?.array ?? []).enumerated()
        where (candidate["index"]?.integer ?? Int64(position)) == 0 {
            return candidate
        }
        return nil
    }

    static let noCandidates = Failure(
        .upstreamProtocol,
        "\(Wire.providerName) answered without a candidate and without a reason; try again.",
        isRetryable: true,
        mayFallBack: true
    )

    static let truncated = Failure(
        .upstreamProtocol,
        "\(Wire.providerName)'s stream ended before the answer did.",
        isRetryable: true,
        mayFallBack: true
    )
}
