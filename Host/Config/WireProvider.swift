import HostCore

/// A provider that needs no library of its own, since it speaks OpenAI's wire format.
package struct WireProvider: Hashable, Sendable {
    /// A header of every request.
    package struct Header: Hashable, Sendable {
        /// Where the end of a header's value comes from.
        package enum Secret: Hashable, Sendable {
            /// One of the manifest's `secrets`.
            case manifest(String)
            /// A parameter of the deployment, which is kept like `api_key`.
            case parameter(String)
        }

        package let name: String
        /// What stands before the secret; the whole value if there is none.
        package let value: String
        package let secret: Secret?
    }

    /// The id that the library which serves such providers gives itself.
    package static let adapter = "openai"
    /// The library which serves such providers.
    package static let library = "libgantry-plugin-openai.so"

    /// The URL that paths are appended to; nil if every deployment says its own `api_base`.
    package let baseURL: String?
    package let headers: [Header]
    /// The environment variable that `api_key` comes from where a deployment has none.
    package let apiKeyVariable: String?
    /// The environment variable that `api_base` comes from where a deployment has none.
    package let apiBaseVariable: String?
    package let operations: Set<ProviderOperation>
    package let quirks: WireQuirks

    /// The deployment's parameters whose values no plugin sees, sorted.
    package var secretParameters: [String] {
        var names: Set<String> = []
        for case .parameter(let name)? in headers.map(\.secret) { names.insert(name) }
        return names.sorted()
    }

    /// What the adapter makes its instance with.
    ///
    /// - Parameter provider: What messages call the provider: the manifest's id.
    /// - Returns: The members of the configuration, without anything secret.
    package func configuration(provider: String) -> [String: ConfigurationValue] {
        var values: [String: ConfigurationValue] = [
            "provider": .string(provider),
            "headers": .list(headers.map(\.configuration)),
            "operations": .list(operations.map(\.rawValue).sorted().map { .string($0) }),
        ]
        values["base_url"] = baseURL.map { .string($0) }
        values["api_key_env"] = apiKeyVariable.map { .string($0) }
        let quirks = quirks.configuration
        if !quirks.isEmpty { values["quirks"] = .map(quirks) }
        return values
    }
}

extension WireProvider.Header {
    fileprivate var configuration: ConfigurationValue {
        var members: [String: ConfigurationValue] = ["name": .string(name), "value": .string(value)]
        switch secret {
        case .manifest(let name)?: members["secret"] = .string(name)
        case .parameter(let name)?: members["parameter"] = .string(name)
        case nil: break
        }
        return .map(members)
    }
}
