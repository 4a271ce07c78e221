import GantryPlugin

/// What a deployment's parameters say.
struct Settings: Sendable {
    private static let defaultBase = "https://api.openai.com/v1"
    private static let names = ["model", "api_key", "api_base", "organization", "project"]

    /// The URL that paths are appended to; it ends without a slash.
    let base: String
    /// The headers of every request.
    let headers: [Header]
    /// The model's name at the provider, if the deployment says it.
    let model: String?

    /// Checks the parameters.
    /// - Throws: ``Failure`` with `.invalid`, which names the parameter and says what to do.
    init(_ parameters: JSON) throws(Failure) {
        guard let object = parameters.object else {
            throw Failure(.invalid, "The parameters of an openai deployment must be an object.")
        }
        if let unknown = object.names.first(where: { !Self.names.contains($0) }) {
            throw Failure(
                .invalid,
                "openai has no parameter `\(unknown)`; remove it. Known are: \(Self.names.joined(separator: ", ")).",
                parameter: unknown
            )
        }
        model = object["model"]?.string
        let customBase = try Self.text("api_base", of: object)
        base = try customBase.map { base throws(Failure) in try Self.checkedBase(base) } ?? Self.defaultBase
        var headers: [Header] = []
        if let key = object["api_key"], !key.isNull {
            headers.append(Header("Authorization", "Bearer ", secret: try Self.secretName(key)))
        } else if customBase == nil {
            throw Failure(
                .invalid,
                "openai needs `api_key`: set it in the deployment or set OPENAI_API_KEY.",
                parameter: "api_key"
            )
        }
        if let value = try Self.headerValue("organization", of: object) {
            headers.append(Header("OpenAI-Organization", value))
        }
        if let value = try Self.headerValue("project", of: object) { headers.append(Header("OpenAI-Project", value)) }
        self.headers = headers
    }

    private static func text(_ name: String, of object: JSONObject) throws(Failure) -> String? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let text = value.string, !text.isEmpty else {
            throw Failure(
                .invalid,
                "`\(name)` of an openai deployment must be a text; remove it or fill it.",
                parameter: name
            )
        }
        return text
    }

    private static func headerValue(_ name: String, of object: JSONObject) throws(Failure) -> String? {
        guard let value = try text(name, of: object) else { return nil }
        guard value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Failure(
                .invalid,
                "`\(name)` of an openai deployment may only have visible ASCII characters.",
                parameter: name
            )
        }
        return value
    }

    private static func secretName(_ value: JSON) throws(Failure) -> String {
        guard let name = value["secret"]?.string, !name.isEmpty else {
            throw Failure(
                .invalid,
                "`api_key` of an openai deployment must be a text, such as os.environ/OPENAI_API_KEY.",
                parameter: "api_key"
            )
        }
        return name
    }

    /// The base without a slash at its end.
    private static func checkedBase(_ text: String) throws(Failure) -> String {
        let refusal = Failure(
            .invalid,
            "`api_base` must be an http or https URL with its version, such as \(defaultBase).",
            parameter: "api_base"
        )
        let lowercase = text.lowercased()
        guard let scheme = ["https://", "http://"].first(where: { lowercase.hasPrefix($0) }) else { throw refusal }
        var rest = text.utf8.dropFirst(scheme.utf8.count)
        while rest.last == UInt8(ascii: "/") { rest.removeLast() }
        guard let first = rest.first, first != UInt8(ascii: "/"), first != UInt8(ascii: ":"),
            rest.allSatisfy({ (0x21...0x7E).contains($0) && !"?#@\\".utf8.contains($0) })
        else { throw refusal }
        return scheme + String(decoding: rest, as: UTF8.self)
    }
}
