import HostCore

/// Reads `headers` of a manifest with `wire`.
struct WireHeaderReader {
    private static let mostHeaders = 32
    private static let longestValue = 1024
    /// What the gateway or its adapter writes: RFC 9110 §7.6.1 and §8, and what frames a body.
    private static let reserved: Set<String> = [
        "accept-encoding", "connection", "content-length", "content-type", "expect", "host", "keep-alive",
        "proxy-authorization", "proxy-connection", "range", "te", "trailer", "transfer-encoding", "upgrade",
    ]
    /// What no manifest may hold in clear.
    private static let secret: Set<String> = ["authorization", "api-key", "x-api-key", "cookie"]
    /// The parameters of a deployment that are not secrets, or never reach a plugin.
    private static let otherParameters: Set<String> = [
        "model", "api_base", "timeout", "weight", "plugin", "max_parallel_requests", "rpm", "tpm",
        "input_cost_per_token", "output_cost_per_token",
    ]

    let reader: ValueReader
    /// The names of the manifest's `secrets`.
    let secrets: Set<String>

    /// The headers; OpenAI's if the manifest has none.
    func headers(_ value: SourceValue?) throws(ConfigurationError) -> [WireProvider.Header] {
        guard let value else {
            return [WireProvider.Header(name: "Authorization", value: "Bearer ", secret: .parameter("api_key"))]
        }
        let entries = try reader.mapping(value).entries
        guard entries.count <= Self.mostHeaders else {
            throw ConfigurationError(
                .tooLarge,
                at: value.location,
                "has more than \(Self.mostHeaders) headers. Remove some."
            )
        }
        var headers: [WireProvider.Header] = []
        for entry in entries {
            let header = try header(entry)
            guard !headers.contains(where: { $0.name.lowercased() == header.name.lowercased() }) else {
                throw ConfigurationError(.duplicate, at: entry.value.location, "this header stands twice. Remove one.")
            }
            headers.append(header)
        }
        return headers
    }

    private func header(_ entry: SourceEntry) throws(ConfigurationError) -> WireProvider.Header {
        let place = entry.value.location
        let name = entry.key.lowercased()
        guard entry.key.utf8.count <= 64, entry.key.consists(ofLettersDigitsAnd: "-_") else {
            throw ConfigurationError(
                .badValue,
                at: place,
                "a header's name is 1 to 64 letters, digits, - and _. Rename it."
            )
        }
        guard !Self.reserved.contains(name) else {
            throw ConfigurationError(.badValue, at: place, "the gateway writes this header itself. Remove it.")
        }
        let text = try reader.string(entry.value)
        guard try reader.resolved(entry.value).variable == nil else {
            throw ConfigurationError(
                .badValue,
                at: place,
                "a variable's value may be a secret. Put it under secrets, and write its name in braces here: {NAME}."
            )
        }
        guard (1...Self.longestValue).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
        else {
            throw ConfigurationError(
                .badValue,
                at: place,
                "must be 1 to \(Self.longestValue) printable ASCII characters."
            )
        }
        guard let start = text.firstIndex(where: { "{}".contains($0) }) else {
            guard !Self.secret.contains(name) else {
                throw ConfigurationError(
                    .badValue,
                    at: place,
                    "holds a secret in clear. Put it under secrets and write its name in braces here, or {api_key}."
                )
            }
            return WireProvider.Header(name: entry.key, value: text, secret: nil)
        }
        return WireProvider.Header(
            name: entry.key,
            value: String(text[..<start]),
            secret: try secret(text[start...], at: place)
        )
    }

    /// What `{name}` at a value's end names.
    private func secret(
        _ text: Substring,
        at place: SourceLocation
    ) throws(ConfigurationError) -> WireProvider.Header.Secret {
        let name = String(text.dropFirst().dropLast())
        guard text.first == "{", text.last == "}", name.utf8.count <= 64, name.consists(ofLettersDigitsAnd: "._-")
        else {
            throw ConfigurationError(
                .badValue,
                at: place,
                "braces hold one name, and only at the end of the value: \"Bearer {api_key}\". Correct the value."
            )
        }
        if secrets.contains(name) { return .manifest(name) }
        guard !Self.otherParameters.contains(name) else {
            throw ConfigurationError(
                .badValue,
                at: place,
                "{\(name)} is not a secret. Name one of secrets, or a parameter of your own such as {api_key}."
            )
        }
        return .parameter(name)
    }
}
