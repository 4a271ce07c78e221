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
        guard let key = try key(in: request.headers) else {
            throw refusal("No API key: send it as `Authorization: Bearer sk-…`.")
        }
        switch try await registry.principal(forKey: key) {
        case .principal(let principal): return principal
        case .unknown: throw refusal("Incorrect API key provided.")
        case .expired: throw refusal("This API key has expired. Ask for a new one.")
        case .blocked: throw refusal("This API key is blocked. Ask your administrator.")
        }
    }

    /// OpenAI's clients send a bearer token, Azure's `api-key`, Anthropic's `x-api-key`.
    private func key(in headers: HTTPFields) throws -> String? {
        let key: Substring
        if let value = headers[.authorization] {
            let parts = value.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else {
                throw refusal("The Authorization header must read `Bearer sk-…`.")
            }
            key = parts[1].drop { $0 == " " }
        } else if let value = headers[.azureKey] ?? headers[.anthropicKey] {
            key = Substring(value)
        } else {
            return nil
        }
        guard key.hasPrefix("sk-"), key.utf8.count <= Self.maximumKeyBytes,
            key.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw refusal("Malformed API key: keys of this gateway begin with sk-.") }
        return String(key)
    }

    private func refusal(_ message: String) -> GatewayError {
        GatewayError(.unauthorized, type: "authentication_error", code: "invalid_api_key", message: message)
    }
}
