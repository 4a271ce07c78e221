import Crypto
import CryptoExtras
import Foundation
import HTTPTypes
import NIOCore

/// `POST /token`: access tokens for service accounts' assertions and for refresh tokens.
///
/// Source: https://developers.google.com/identity/protocols/oauth2/service-account, read 2026-11-22.
struct TokenEndpoint {
    /// What an assertion must name, wherever this endpoint stands.
    private static let audience = "https://oauth2.googleapis.com/token"
    private static let bodyLimit = 64 * 1024
    private static let longestAssertion = 3600
    private static let clockSkew = 300

    let accounts: GoogleAccounts
    let tokens: AccessTokens
    let clock: SimulatedClock

    func reply(to request: Incoming) async throws -> Reply {
        guard request.method == .post else { throw GoogleError.oauth(405, "invalid_request", "Method not allowed.") }
        guard request.mediaType == "application/x-www-form-urlencoded" else {
            throw GoogleError.oauth(400, "invalid_request", "The body must be application/x-www-form-urlencoded.")
        }
        let body = try await request.body(upTo: Self.bodyLimit)
        let form = Incoming.fields(of: String(decoding: body.readableBytesView, as: UTF8.self))
        let fields = Dictionary(form.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        switch fields["grant_type"] {
        case "urn:ietf:params:oauth:grant-type:jwt-bearer": return try exchange(assertion: fields["assertion"] ?? "")
        case "refresh_token": return try refresh(fields)
        default: throw GoogleError.oauth(400, "unsupported_grant_type", "Invalid grant_type.")
        }
    }

    /// The JSON that carries a token, here and on the metadata server.
    static func reply(token: String) -> Reply {
        .json([
            "access_token": .string(token), "expires_in": .integer(AccessTokens.lifetimeInSeconds),
            "token_type": "Bearer",
        ])
    }

    private func exchange(assertion: String) throws -> Reply {
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let signature = Base64URL.data(of: parts[2]) else {
            throw GoogleError.oauth(400, "invalid_grant", "Invalid JWT: a JWT must have three base64url parts.")
        }
        let (header, claims) = (try Self.json(parts[0]), try Self.json(parts[1]))
        guard let issuer = claims["iss"]?.string, let account = accounts.first(where: { $0.email == issuer }) else {
            throw GoogleError.oauth(400, "invalid_grant", "Invalid grant: account not found")
        }
        guard header["alg"]?.string == "RS256", header["typ"]?.string == "JWT",
            header["kid"]?.string == account.privateKeyID
        else { throw GoogleError.oauth(400, "invalid_grant", "Invalid JWT: alg, typ or kid is wrong.") }
        let key = try _RSA.Signing.PrivateKey(pemRepresentation: account.privateKey).publicKey
        let isSigned = key.isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: signature),
            for: SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8)),
            padding: .insecurePKCS1v1_5
        )
        guard isSigned else { throw GoogleError.oauth(400, "invalid_grant", "Invalid JWT Signature.") }
        let scopes = try check(claims)
        return Self.reply(token: try tokens.issue(account: account.name, scopes: scopes))
    }

    private func check(_ claims: JSON) throws -> [String] {
        guard claims["aud"]?.string == Self.audience else {
            throw GoogleError.oauth(
                400,
                "invalid_grant",
                "Invalid JWT: Failed audience check. The right audience is \(Self.audience)"
            )
        }
        let now = clock.unixSeconds
        guard let issued = claims["iat"]?.integer, let expires = claims["exp"]?.integer, issued > 0, expires > now,
            issued < now + Self.clockSkew, expires > issued, expires - issued <= Self.longestAssertion
        else {
            let message =
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                + "Check your iat and exp values in the JWT claim."
            throw GoogleError.oauth(400, "invalid_grant", message)
        }
        let scopes = (claims["scope"]?.string ?? "").split(separator: " ").map(String.init)
        guard AccessGrant.isKnown(scopes) else {
            throw GoogleError.oauth(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        }
        return scopes
    }

    private func refresh(_ fields: [String: String]) throws -> Reply {
        guard let account = accounts.first(where: { $0.clientID == fields["client_id"] }),
            account.clientSecret == fields["client_secret"]
        else { throw GoogleError.oauth(401, "invalid_client", "The OAuth client was not found.") }
        guard account.refreshToken == fields["refresh_token"] else {
            throw GoogleError.oauth(400, "invalid_grant", "Bad Request")
        }
        let scope = "https://www.googleapis.com/auth/cloud-platform"
        return Self.reply(token: try tokens.issue(account: account.name, scopes: [scope]))
    }

    private static func json(_ part: String) throws -> JSON {
        guard let data = Base64URL.data(of: part) else {
            throw GoogleError.oauth(400, "invalid_grant", "Invalid JWT: not base64url.")
        }
        do {
            return try JSONParser.parse(data)
        } catch {
            throw GoogleError.oauth(400, "invalid_grant", "Invalid JWT: not JSON.")
        }
    }
}
