import GantryPlugin

/// Whom an instance serves: OpenAI, or a provider that speaks its wire format and is described by a manifest.
struct Provider: Sendable {
    /// A header of every request, as it stands before a deployment's parameters are known.
    struct HeaderTemplate: Sendable {
        enum Ending: Sendable {
            case none
            /// A secret that all deployments share.
            case secret(String)
            /// A parameter of the deployment, which is a secret.
            case parameter(String)
        }

        let name: String
        let value: String
        let ending: Ending
    }

    /// What messages call it.
    let name: String
    /// The URL that paths are appended to; nil if every deployment has to say its own.
    let base: String?
    let headers: [HeaderTemplate]
    /// The variable that `api_key` comes from if a deployment has none, for messages.
    let keyVariable: String?
    /// Parameters that are headers in clear.
    let headerParameters: [(parameter: String, header: String)]
    /// Whether responses can be asked for later.
    let keepsResponses: Bool
    let quirks: Quirks

    /// OpenAI.
    static let openAI = Provider(
        name: "openai",
        base: "https://api.openai.com/v1",
        headers: [HeaderTemplate(name: "Authorization", value: "Bearer ", ending: .parameter("api_key"))],
        keyVariable: "OPENAI_API_KEY",
        headerParameters: [("organization", "OpenAI-Organization"), ("project", "OpenAI-Project")],
        keepsResponses: true,
        quirks: Quirks()
    )

    /// The parameters that its deployments may have.
    var parameters: [String] {
        var names = ["model"]
        for template in headers {
            if case .parameter(let name) = template.ending, !names.contains(name) { names.append(name) }
        }
        return names + ["api_base"] + headerParameters.map(\.parameter)
    }
}

extension Provider {
    private static let names = ["provider", "base_url", "headers", "api_key_env", "operations", "quirks"]

    /// Reads an instance's configuration; without one it is OpenAI.
    ///
    /// - Throws: ``Failure`` with `.invalid`, which names the member and says what to do.
    init(configuration: JSON) throws(Failure) {
        guard let members = configuration.object else {
            throw Failure(.invalid, "The configuration of openai must be an object.")
        }
        guard members.count > 0 else {
            self = .openAI
            return
        }
        try ConfigurationMembers.refuse(members, except: Self.names, of: "the configuration of openai")
        guard let name = members["provider"]?.string, !name.isEmpty else {
            throw ConfigurationMembers.wrong("provider", "must be the provider's name")
        }
        self.name = name
        base = try members["base_url"].map { value throws(Failure) in
            guard let text = value.string, let base = BaseURL.checked(text) else {
                throw ConfigurationMembers.wrong("base_url", BaseURL.rule)
            }
            return base
        }
        headers = try Self.headers(members["headers"])
        keyVariable = try members["api_key_env"].map { value throws(Failure) in
            guard let text = value.string else {
                throw ConfigurationMembers.wrong("api_key_env", "must be a variable's name")
            }
            return text
        }
        headerParameters = []
        let operations = try ConfigurationMembers.texts("operations", in: members)
        // What cannot be asked for again is not kept, whatever the provider does with it.
        keepsResponses = operations.contains("responses.retrieve")
        quirks = try Quirks(members["quirks"])
    }

    private static func headers(_ value: JSON?) throws(Failure) -> [HeaderTemplate] {
        guard let elements = value?.array else {
            throw ConfigurationMembers.wrong("headers", "must be a list of {name, value, secret or parameter}")
        }
        var templates: [HeaderTemplate] = []
        for element in elements {
            guard let members = element.object, let name = members["name"]?.string, isHeaderName(name),
                let value = members["value"]?.string, isHeaderValue(value)
            else {
                throw ConfigurationMembers.wrong("headers", "must be a list of {name, value, secret or parameter}")
            }
            try ConfigurationMembers.refuse(members, except: ["name", "value", "secret", "parameter"], of: "headers")
            templates.append(HeaderTemplate(name: name, value: value, ending: try ending(members)))
        }
        return templates
    }

    private static func ending(_ members: JSONObject) throws(Failure) -> HeaderTemplate.Ending {
        switch (members["secret"], members["parameter"]) {
        case (nil, nil): return .none
        case (.string(let name)?, nil) where !name.isEmpty: return .secret(name)
        case (nil, .string(let name)?) where !name.isEmpty: return .parameter(name)
        default:
            throw ConfigurationMembers.wrong("headers", "must name one secret or one parameter for each value's end")
        }
    }

    private static func isHeaderName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static func isHeaderValue(_ value: String) -> Bool {
        value.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}
