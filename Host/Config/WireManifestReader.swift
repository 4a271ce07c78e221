import HostCore

/// Reads what a manifest says of a provider that speaks OpenAI's wire format.
struct WireManifestReader {
    /// The keys that only such a manifest has, besides `wire`.
    static let keys = ["base_url", "headers", "api_key_env", "api_base_env", "operations", "quirks"]
    /// The keys that only a manifest with a library has.
    private static let libraryKeys = ["library", "configuration", "environment"]

    private enum Wire: String { case openai }

    let reader: ValueReader

    /// The provider.
    ///
    /// - Parameters:
    ///   - root: The manifest.
    ///   - secrets: The names of its `secrets`.
    /// - Returns: Nil if the manifest has a library.
    /// - Throws: ``ConfigurationError``, also for a key that is of the other kind of manifest.
    func provider(_ root: SourceMapping, secrets: Set<String>) throws(ConfigurationError) -> WireProvider? {
        guard let wire = root["wire"] else {
            try refuse(Self.keys, in: root, "is only for a manifest with `wire: openai`. Add that, or remove this key.")
            return nil
        }
        _ = try reader.word(wire, of: [Wire.openai])
        try refuse(
            Self.libraryKeys,
            in: root,
            "is not for a manifest with `wire`, whose library is Gantry's. Remove it."
        )
        let headers = try WireHeaderReader(reader: reader, secrets: secrets).headers(root["headers"])
        let operations = try WireOperationReader(reader: reader).operations(
            try root.required("operations", "List what the provider has, such as [chat, embeddings, models].")
        )
        let keyVariable = try variable(root["api_key_env"])
        if let place = root["api_key_env"]?.location, !headers.contains(where: { $0.secret == .parameter("api_key") }) {
            throw ConfigurationError(
                .badValue,
                at: place,
                "no header has the key. Write {api_key} at the end of one's value, or remove api_key_env."
            )
        }
        return WireProvider(
            baseURL: try root["base_url"].map { value throws(ConfigurationError) in try baseURL(value).text },
            headers: headers,
            apiKeyVariable: keyVariable,
            apiBaseVariable: try variable(root["api_base_env"]),
            operations: operations,
            quirks: try WireQuirksReader(reader: reader).quirks(root["quirks"], operations: operations)
        )
    }

    /// The places that requests may go to: those of `hosts`, which include the base URL's, else that alone.
    func hosts(
        _ hosts: [HostPattern]?,
        of root: SourceMapping
    ) throws(ConfigurationError) -> [HostPattern] {
        guard let value = root["base_url"] else { return hosts ?? [] }
        let own = try baseURL(value).host
        guard let hosts else { return [own] }
        guard hosts.contains(where: { $0.matches(scheme: own.scheme, host: own.host, port: own.port) }) else {
            throw ConfigurationError(
                .badValue,
                at: root["hosts"]?.location ?? value.location,
                "the host of base_url, \(own), is not among them. Add it, or remove hosts."
            )
        }
        return hosts
    }

    private func refuse(
        _ keys: [String],
        in root: SourceMapping,
        _ problem: String
    ) throws(ConfigurationError) {
        guard let entry = root.entries.first(where: { keys.contains($0.key) }) else { return }
        throw ConfigurationError(.badValue, at: entry.value.location, problem)
    }

    /// The name of an environment variable, which is not replaced here: a deployment's own value comes first.
    private func variable(_ value: SourceValue?) throws(ConfigurationError) -> String? {
        guard let value else { return nil }
        guard case .string(let name) = value.content, ValueReader.isVariableName(name) else {
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "must be a variable's name alone, such as MISTRAL_API_KEY: letters, digits and _."
            )
        }
        return name
    }

    private func baseURL(_ value: SourceValue) throws(ConfigurationError) -> (text: String, host: HostPattern) {
        let text = try reader.string(value)
        let refusal = ConfigurationError(
            .badValue,
            at: value.location,
            "must be an http or https URL with its version and nothing after it, such as https://api.mistral.ai/v1."
        )
        guard text.utf8.count <= 1024,
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !"?#@\\*{}".utf8.contains($0) }),
            let separator = text.firstRange(of: "://")
        else { throw refusal }
        let end = text[separator.upperBound...].firstIndex(of: "/") ?? text.endIndex
        do {
            return (text, try HostPattern(parsing: String(text[..<end])))
        } catch {
            throw refusal
        }
    }
}
