import HTTPTypes
import NIOHTTP1

/// The headers in which a client can send its key: OpenAI's clients send a bearer token, Azure's `api-key`, Anthropic's
/// `x-api-key`.
struct Credentials {
    private(set) var authorization: String?
    private(set) var azureKey: String?
    private(set) var anthropicKey: String?

    init(_ headers: HTTPFields) {
        authorization = headers[.authorization]
        azureKey = headers[.azureKey]
        anthropicKey = headers[.anthropicKey]
    }

    /// One pass, since it is made for every request of the fast lane.
    init(_ headers: HTTPHeaders) {
        for (name, value) in headers {
            switch name.utf8.count {
            case HTTPField.Name.authorization.canonicalName.utf8.count where Self.isName(name, .authorization):
                Self.add(value, to: &authorization)
            case HTTPField.Name.azureKey.canonicalName.utf8.count where Self.isName(name, .azureKey):
                Self.add(value, to: &azureKey)
            case HTTPField.Name.anthropicKey.canonicalName.utf8.count where Self.isName(name, .anthropicKey):
                Self.add(value, to: &anthropicKey)
            default: continue
            }
        }
    }

    private static func isName(_ text: String, _ name: HTTPField.Name) -> Bool {
        zip(text.utf8, name.canonicalName.utf8).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }

    /// A header that is sent twice is one list (RFC 9110 §5.3), which no key is.
    private static func add(_ value: String, to header: inout String?) {
        header = header.map { "\($0), \(value)" } ?? value
    }
}
