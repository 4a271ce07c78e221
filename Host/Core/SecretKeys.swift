/// Tells which keys of a configuration may hold secrets, whose values no message shows.
package enum SecretKeys {
    private static let parts = ["credential", "password", "passwd", "token", "secret", "authorization", "headers"]
    private static let names: Set<String> = ["database_url", "environment_variables", "key"]

    /// Whether a path such as `model_list[0].litellm_params.api_key` leads to what may be a secret.
    package static func holds(_ path: String) -> Bool {
        path.lowercased().split(separator: ".").contains { component in
            let name = component.prefix { $0 != "[" }
            return names.contains(String(name)) || name.hasSuffix("_key") || name.hasSuffix("apikey")
                || parts.contains { name.contains($0) }
        }
    }
}
