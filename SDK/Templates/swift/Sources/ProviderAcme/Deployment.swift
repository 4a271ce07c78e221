import GantryPlugin

/// One deployment.
public struct Deployment: AdapterTarget {
    private static let names = ["model", "api_base", "api_key"]

    private let request: HTTPRequest

    /// Checks the parameters.
    init(_ parameters: JSON) throws(Failure) {
        if let unknown = parameters.object?.names.first(where: { !Self.names.contains($0) }) {
            throw Failure(
                .invalid,
                "acme has no such parameter, but \(Self.names.joined(separator: ", ")).",
                parameter: unknown
            )
        }
        var headers = [Header("Content-Type", "application/json")]
        if let key = parameters["api_key"] {
            // The host keeps the key itself; this is its name.
            guard let secret = key["secret"]?.string, !secret.isEmpty else {
                throw Failure(.invalid, "`api_key` must be a text.", parameter: "api_key")
            }
            headers.append(Header("Authorization", "Bearer ", secret: secret))
        }
        let url = try Self.base(parameters["api_base"]) + "/chat/completions"
        request = HTTPRequest(method: "POST", url: url, headers: headers, framing: .raw)
    }

    private static func base(_ value: JSON?) throws(Failure) -> String {
        var base = value?.string ?? ""
        while base.hasSuffix("/") { base.removeLast() }
        let scheme = ["http://", "https://"].first { base.hasPrefix($0) && base.utf8.count > $0.utf8.count }
        guard scheme != nil, base.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"?#@\\".utf8.contains($0) })
        else {
            throw Failure(
                .invalid,
                "acme needs `api_base`, an http or https URL with its version.",
                parameter: "api_base"
            )
        }
        return base
    }

    /// Gives the client the provider's answer as it comes, streamed or not.
    public func relay(_ operation: Operation) throws(Failure) -> Relay? {
        guard operation.kind == .chat else { return nil }
        var request = request
        request.body = try body(operation)
        return Relay(request) { (response) async throws(Failure) in Refusal.failure(response) }
    }

    /// What is not relayed is not served.
    public func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
        throw Failure(.unsupported, "acme does not serve this operation.")
    }

    /// The client's request with the model's name replaced by the provider's: a few pieces, not a copy.
    private func body(_ operation: Operation) throws(Failure) -> [Segment] {
        let length = try operation.withInput { $0.count }
        var segments: [Segment] = []
        var position = 0
        for reference in operation.references {
            guard reference.kind == .model else {
                throw Failure(.unsupported, "acme takes no files or earlier responses.")
            }
            guard reference.range.lowerBound >= position, reference.range.upperBound <= length else {
                throw Failure(.internalError, "The places that the host found in the request are not in order.")
            }
            segments.append(.input(position..<reference.range.lowerBound))
            segments.append(.bytes(JSON.string(reference.upstreamID).serialized()))
            position = reference.range.upperBound
        }
        segments.append(.input(position..<length))
        return segments
    }
}
