import HTTPTypes
import NIOHTTP1

extension HTTPField.Name {
    /// Names one request in logs and answers.
    static let callID = known("x-gantry-call-id")
    /// The deployment that served a request.
    static let modelID = known("x-gantry-model-id")
    /// Keeps a browser from guessing another type than the one that is said.
    static let contentTypeOptions = known("x-content-type-options")
    /// How many entries a list has that is answered in pages, where the answer's body has no place for it.
    static let totalCount = known("x-gantry-total-count")
    /// Where Azure's clients put their key.
    static let azureKey = known("api-key")
    /// Where Anthropic's clients put their key.
    static let anthropicKey = known("x-api-key")

    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("a header name of the source is no token") }
        return name
    }
}

extension HTTPHeaders {
    /// The first value of a header.
    func first(_ name: HTTPField.Name) -> String? { first(name: name.canonicalName) }
}
