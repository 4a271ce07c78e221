import GantryPlugin

/// What a deployment's parameters say.
struct Settings: Sendable {
    /// The URL that paths are appended to; it ends without a slash.
    let base: String
    /// The headers of every request.
    let headers: [Header]
    /// The model's name at the provider, if the deployment says it.
    let model: String?

    /// Checks the parameters.
    /// - Throws: ``Failure`` with `.invalid`, which names the parameter and says what to do.
    init(_ parameters: JSON, of provider: Provider) throws(Failure) {
        guard let object = parameters.object else {
            throw Failure(.invalid, "The parameters of a deployment of \(provider.name) must be an object.")
        }
        try parameters.refuseUnknown(provider.parameters, of: provider.name)
        let parameters = Parameters(values: object, provider: provider)
        model = object["model"]?.string
        let customBase = try parameters.base()
        guard let base = customBase ?? provider.base else {
            throw parameters.refusal("api_base", "it is needed", "Set it in the deployment: where the server is.")
        }
        self.base = base
        headers = try parameters.headers(needsKey: customBase == nil && !provider.quirks.isKeyless)
    }
}

/// A deployment's parameters, on their way to become settings.
private struct Parameters {
    let values: JSONObject
    let provider: Provider

    /// `api_base`, without a slash at its end.
    func base() throws(Failure) -> String? {
        guard let text = try text("api_base") else { return nil }
        guard let base = BaseURL.checked(text, defaultPath: provider.quirks.defaultPath) else {
            throw Failure(.invalid, "`api_base` \(BaseURL.rule).", parameter: "api_base")
        }
        return base
    }

    func headers(needsKey: Bool) throws(Failure) -> [Header] {
        var headers: [Header] = []
        for template in provider.headers {
            switch template.ending {
            case .none: headers.append(Header(template.name, template.value))
            case .secret(let name): headers.append(Header(template.name, template.value, secret: name))
            case .parameter(let name):
                if let secret = try secretName(name) {
                    headers.append(Header(template.name, template.value, secret: secret))
                } else if needsKey || name != "api_key" {
                    throw missing(name)
                }
            }
        }
        for (parameter, header) in provider.headerParameters {
            if let value = try headerValue(parameter) { headers.append(Header(header, value)) }
        }
        return headers
    }

    private func missing(_ name: String) -> Failure {
        let variable = name == "api_key" ? provider.keyVariable.map { " or set \($0)" } ?? "" : ""
        return Failure(
            .invalid,
            "\(provider.name) needs `\(name)`: set it in the deployment\(variable).",
            parameter: name
        )
    }

    private func text(_ name: String) throws(Failure) -> String? {
        guard let value = values[name], !value.isNull else { return nil }
        guard let text = value.string, !text.isEmpty else {
            throw refusal(name, "it must be a text", "Remove it or fill it.")
        }
        return text
    }

    private func headerValue(_ name: String) throws(Failure) -> String? {
        guard let value = try text(name) else { return nil }
        guard value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw refusal(name, "it may only have visible ASCII characters", "Correct it.")
        }
        return value
    }

    private func secretName(_ parameter: String) throws(Failure) -> String? {
        guard let value = values[parameter], !value.isNull else { return nil }
        guard let name = value["secret"]?.string, !name.isEmpty else {
            let example = provider.keyVariable ?? "NAME"
            throw refusal(parameter, "it must be a text", "Write one such as os.environ/\(example).")
        }
        return name
    }

    func refusal(_ name: String, _ problem: String, _ advice: String) -> Failure {
        Failure(.invalid, "`\(name)` of a deployment of \(provider.name): \(problem). \(advice)", parameter: name)
    }
}
