import HTTPTypes

/// The headers in which a client can send its key: OpenAI's clients send a bearer token, Azure's `api-key`, Anthropic's
/// `x-api-key`.
struct Credentials: Sendable {
    private(set) var authorization: String?
    private(set) var azureKey: String?
    private(set) var anthropicKey: String?

    /// None yet.
    init() {}

    init(_ headers: HTTPFields) {
        authorization = headers[.authorization]
        azureKey = headers[.azureKey]
        anthropicKey = headers[.anthropicKey]
    }

    /// Notes a header if a key can be in it.
    mutating func note(_ name: String, _ value: String) {
        switch name.utf8.count {
        case 13 where name.isWord("authorization"): Self.add(value, to: &authorization)
        case 7 where name.isWord("api-key"): Self.add(value, to: &azureKey)
        case 9 where name.isWord("x-api-key"): Self.add(value, to: &anthropicKey)
        default: break
        }
    }

    /// A header that is sent twice is one list (RFC 9110 §5.3), which no key is.
    private static func add(_ value: String, to header: inout String?) {
        header = header.map { "\($0), \(value)" } ?? value
    }
}
