import GantryPlugin

/// The C functions that a manifest binds to places on the way of a request and of its answer.
struct Hooks: Sendable {
    /// What a hook calls an operation.
    enum Name: String {
        case chat
        case embeddings
        case responses
    }

    /// What a request has been counted as.
    struct Count {
        let tokens: Int64
        /// The model's name at the provider.
        let model: String
    }

    private let functions: HookFunctions
    private let host: Host
    /// Whether the bytes of a request are needed, of which the host otherwise keeps most.
    private let readsRequests: Bool

    /// Makes the hooks; nil if none is bound.
    init?(_ host: Host) {
        guard let functions = host.functions else { return nil }
        self.functions = functions
        self.host = host
        readsRequests = [.requestBody, .sign, .countTokens].contains { functions.isBound($0) }
    }

    /// Whether the answers have to be read before the client gets them.
    func readsAnswers(streaming: Bool) -> Bool {
        streaming
            ? functions.isBound(.streamChunk)
            : functions.isBound(.responseBody) || functions.isBound(.countTokens)
    }

    /// The references with the names that the functions give to models and files.
    func named(_ references: [Reference], _ name: Name) throws(Failure) -> [Reference] {
        var named = references
        for index in named.indices {
            let reference = named[index]
            let other =
                switch reference.kind {
                case .model: try functions.modelName(reference.upstreamID, operation: name.rawValue)
                case .file:
                    try functions.fileReference(
                        reference.upstreamID,
                        mediaType: reference.mimeType,
                        filename: reference.filename
                    )
                case .response: String?.none
                }
            if let other { named[index].upstreamID = other }
        }
        return named
    }

    /// A request's body as it is sent.
    ///
    /// - Parameters:
    ///   - body: Its pieces.
    ///   - operation: Whose input is lent now, and which reports the tokens.
    ///   - name: The operation's.
    ///   - model: The model's name at the provider.
    /// - Returns: The body's pieces, and its count if it is counted.
    /// - Throws: ``Failure`` that names hook and function.
    func sent(
        _ body: [Segment],
        of operation: Operation,
        _ name: Name,
        model: String
    ) throws(Failure) -> (body: [Segment], count: Count?) {
        guard readsRequests else { return (body, nil) }
        var bytes = try operation.withInput { input throws(Failure) in try Self.flat(body, input: input) }
        if let other = try functions.requestBody(bytes, operation: name.rawValue) { bytes = other }
        let tokens = try functions.countTokens(bytes, model: model)
        if let tokens { try operation.usage([Self.inputTokens(name): .number(JSONNumber(tokens))]) }
        return ([.bytes(bytes)], tokens.map { Count(tokens: $0, model: model) })
    }

    /// The body of a success as the client gets it.
    func given(
        _ body: [UInt8],
        _ name: Name,
        count: Count? = nil
    ) throws(Failure) -> [UInt8] {
        let body = try functions.responseBody(body, operation: name.rawValue) ?? body
        guard let count else { return body }
        var answer = try Responses.object(body).object ?? JSONObject()
        guard answer["usage"]?.object == nil, let tokens = try functions.countTokens(body, model: count.model) else {
            return body
        }
        // An embedding has no words of its own.
        let answerTokens = name == .embeddings ? 0 : tokens
        let (total, isTooMuch) = count.tokens.addingReportingOverflow(answerTokens)
        guard !isTooMuch else { throw Failure(.upstreamProtocol, "The hook count_tokens counts too many tokens.") }
        var usage = JSONObject()
        usage[Self.inputTokens(name)] = .number(JSONNumber(count.tokens))
        switch name {
        case .chat: usage["completion_tokens"] = .number(JSONNumber(answerTokens))
        case .responses: usage["output_tokens"] = .number(JSONNumber(answerTokens))
        case .embeddings: break
        }
        usage["total_tokens"] = .number(JSONNumber(total))
        answer["usage"] = .object(usage)
        return JSON.object(answer).serialized()
    }

    /// The event of a stream as the client gets it; nil for none.
    func given(_ event: Chunk, _ name: Name) throws(Failure) -> Chunk? {
        guard let data = try functions.streamChunk(event, operation: name.rawValue) else { return event }
        return data.isEmpty ? nil : Chunk(data: data, event: event.event)
    }

    /// The request with the headers that sign it, which replace those of the same names.
    func signed(_ request: HTTPRequest) throws(Failure) -> HTTPRequest {
        guard functions.isBound(.sign) else { return request }
        let now = Int64(clamping: host.nowMilliseconds)
        let body = Self.literal(request.body) ?? []
        let lines = try functions.sign(method: request.method, url: request.url, body: body, timeMilliseconds: now)
        var request = request
        for header in try SignatureHeaders.read(lines ?? "") {
            request.headers.removeAll { $0.name.lowercased() == header.name.lowercased() }
            request.headers.append(header)
        }
        return request
    }

    private static func inputTokens(_ name: Name) -> String { name == .responses ? "input_tokens" : "prompt_tokens" }

    /// The bytes of a body that is not spliced by the host; nil for another.
    private static func literal(_ body: [Segment]) -> [UInt8]? {
        var bytes: [UInt8] = []
        for segment in body {
            switch segment {
            case .bytes(let piece): bytes += piece
            case .text(let text): bytes += text.utf8
            case .source, .input, .secret: return nil
            }
        }
        return bytes
    }

    private static func flat(_ body: [Segment], input: UnsafeRawBufferPointer) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(input.count)
        for segment in body {
            switch segment {
            case .bytes(let piece): bytes += piece
            case .text(let text): bytes += text.utf8
            case .input(let range) where range.upperBound <= input.count && range.lowerBound >= 0:
                bytes += input[range]
            case .source, .input, .secret:
                throw Failure(.internalError, "A request that is not whole cannot be given to a hook.")
            }
        }
        return bytes
    }
}

/// Reads what `sign` gives.
enum SignatureHeaders {
    private static let mostHeaders = 32
    /// They say how a message is framed or where it goes, which is the host's business.
    private static let refused = [
        "host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect",
        "proxy-authorization", "proxy-connection", "keep-alive",
    ]

    /// The headers of some lines.
    /// - Throws: ``Failure`` with `.internalError` for a line that is no header that may be set.
    static func read(_ lines: String) throws(Failure) -> [Header] {
        var headers: [Header] = []
        for line in lines.split(whereSeparator: \.isNewline) {
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { throw refusal("has no colon") }
            let name = String(line[..<colon])
            let value = trimmed(line[colon...].dropFirst())
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else { throw refusal("has no header's name") }
            guard value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                throw refusal("has a value with other than visible ASCII characters")
            }
            guard !refused.contains(name.lowercased()) else {
                throw refusal("sets a header that is not a plugin's to set")
            }
            headers.append(Header(name, value))
        }
        guard headers.count <= mostHeaders else { throw refusal("is one of more than \(mostHeaders)") }
        return headers
    }

    // The line itself may be a part of a secret.
    private static func refusal(_ problem: String) -> Failure {
        Failure(.internalError, "The hook sign gave a line that \(problem); lines are `Name: value`.")
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// RFC 9110 §5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
