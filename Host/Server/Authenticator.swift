import HTTPTypes
import HostCore
import HostRegistry
import Hummingbird

/// Finds out who asks; a class, since every call holds it.
final class Authenticator: Sendable {
    /// Longer than any key that was ever made.
    private static let maximumKeyBytes = 512

    private let registry: Registry

    init(registry: Registry) { self.registry = registry }

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
        if var value = credentials.authorization {
            return try value.withUTF8 { Self.digest(ofBearer: UnsafeRawBufferPointer($0)) }.get()
        }
        guard var key = credentials.azureKey ?? credentials.anthropicKey else {
            throw Self.refusal("No API key: send it as `Authorization: Bearer sk-…`.")
        }
        return try key.withUTF8 { Self.digest(of: UnsafeRawBufferPointer($0)) }.get()
    }

    // Every request comes here, and bytes are read in a quarter of the time that it takes to cut up a string.

    private static func digest(ofBearer value: UnsafeRawBufferPointer) -> Result<KeyDigest, GatewayError> {
        let scheme = value.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != UInt8(ascii: " ") }
        let key = value[scheme.endIndex...].drop { $0 == UInt8(ascii: " ") }
        guard UnsafeRawBufferPointer(rebasing: scheme).isWord("bearer"), !key.isEmpty else {
            return .failure(refusal("The Authorization header must read `Bearer sk-…`."))
        }
        return digest(of: UnsafeRawBufferPointer(rebasing: key))
    }

    private static func digest(of key: UnsafeRawBufferPointer) -> Result<KeyDigest, GatewayError> {
        guard key.count <= maximumKeyBytes, key.starts(with: "sk-".utf8),
            key.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return .failure(refusal("Malformed API key: keys of this gateway begin with sk-.")) }
        return .success(KeyDigest(of: key))
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
