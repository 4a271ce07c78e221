import HTTPTypes
import HostCore
import HostRegistry
import Hummingbird

/// Finds out who asks.
struct Authenticator: Sendable {
    /// Longer than any key that was ever made.
    private static let maximumKeyBytes = 512

    let registry: Registry

    /// The principal of a request's key.
    ///
    /// - Throws: ``GatewayError`` with 401 for a key that is missing, malformed, unknown, expired or blocked;
    ///   ``RegistryError`` if the registry cannot be asked.
    func principal(of request: Request) async throws -> Principal {
        try await principal(for: try digest(of: Credentials(request.headers)))
    }

    /// The principal of the key with a digest.
    ///
    /// - Throws: As ``principal(of:)``.
    func principal(for digest: KeyDigest) async throws -> Principal {
        try Self.principal(in: try await registry.principal(for: digest))
    }

    /// The principal of the key with a digest, if that is in memory; nil if the registry has to be asked.
    ///
    /// - Throws: ``GatewayError`` with 401 for a key that is known not to be good.
    func cachedPrincipal(for digest: KeyDigest) throws(GatewayError) -> Principal? {
        guard let lookup = registry.cachedPrincipal(for: digest) else { return nil }
        return try Self.principal(in: lookup)
    }

    /// The digest of the key that a client sent.
    ///
    /// - Throws: ``GatewayError`` with 401 for a key that is missing or malformed.
    func digest(of credentials: Credentials) throws(GatewayError) -> KeyDigest {
        let key: Substring
        if let value = credentials.authorization {
            let parts = value.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else {
                throw Self.refusal("The Authorization header must read `Bearer sk-…`.")
            }
            key = parts[1].drop { $0 == " " }
        } else if let value = credentials.azureKey ?? credentials.anthropicKey {
            key = Substring(value)
        } else {
            throw Self.refusal("No API key: send it as `Authorization: Bearer sk-…`.")
        }
        guard key.hasPrefix("sk-"), key.utf8.count <= Self.maximumKeyBytes,
            key.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw Self.refusal("Malformed API key: keys of this gateway begin with sk-.") }
        return KeyDigest(of: String(key))
    }

    private static func principal(in lookup: PrincipalLookup) throws(GatewayError) -> Principal {
        switch lookup {
        case .principal(let principal): return principal
        case .unknown: throw refusal("Incorrect API key provided.")
        case .expired: throw refusal("This API key has expired. Ask for a new one.")
        case .blocked: throw refusal("This API key is blocked. Ask your administrator.")
        }
    }

    private static func refusal(_ message: String) -> GatewayError {
        GatewayError(.unauthorized, type: "authentication_error", code: "invalid_api_key", message: message)
    }
}
