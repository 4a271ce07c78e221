import Crypto
import Foundation
import Synchronization

/// What a token lets its bearer do.
struct AccessGrant: Codable, Sendable {
    private static let all = "https://www.googleapis.com/auth/cloud-platform"
    private static let storage = [
        "https://www.googleapis.com/auth/devstorage.full_control",
        "https://www.googleapis.com/auth/devstorage.read_write",
    ]

    let account: String
    let scopes: [String]
    let expiresAt: Int
    let epoch: Int

    var project: String { "sim-\(account)" }
    var allowsStorage: Bool { scopes.contains { $0 == Self.all || Self.storage.contains($0) } }
    var allowsPrediction: Bool { scopes.contains(Self.all) }

    /// Whether somebody may ask for these scopes here.
    static func isKnown(_ scopes: [String]) -> Bool {
        AccessGrant(account: "", scopes: scopes, expiresAt: 0, epoch: 0).allowsStorage
    }
}

/// Makes and checks access tokens, which carry their grant under a keyed tag and so outlive a restart.
final class AccessTokens: Sendable {
    /// How long a token lasts.
    static let lifetimeInSeconds = 3599

    private struct Secret: Codable {
        let key: Data
        var epoch: Int
    }

    private static let prefix = "ya29.sim."

    private let records: RecordStore<Secret>
    private let secret: Mutex<Secret>
    private let counts = Mutex<[String: Int]>([:])
    private let clock: SimulatedClock

    init(directory: URL, clock: SimulatedClock) throws {
        self.clock = clock
        records = try RecordStore(directory: directory.appending(path: "tokens"))
        let new = Secret(key: Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }), epoch: 1)
        let secret = try records.all().first ?? new
        try records.save(secret, id: "secret")
        self.secret = Mutex(secret)
    }

    /// A new token.
    func issue(account: String, scopes: [String]) throws -> String {
        counts.withLock { $0[account, default: 0] += 1 }
        let secret = secret.withLock { $0 }
        let grant = AccessGrant(
            account: account,
            scopes: scopes,
            expiresAt: clock.unixSeconds + Self.lifetimeInSeconds,
            epoch: secret.epoch
        )
        let claim = Base64URL.text(of: try JSONEncoder().encode(grant)) + "." + RandomName.alphanumeric(8)
        return Self.prefix + claim + "." + Self.tag(of: claim, under: secret)
    }

    /// The grant of a token, nil if it is false, expired or was made invalid.
    func grant(of token: String) -> AccessGrant? {
        let secret = secret.withLock { $0 }
        guard token.hasPrefix(Self.prefix), let dot = token.lastIndex(of: ".") else { return nil }
        let claim = String(token[..<dot].dropFirst(Self.prefix.count))
        guard token[dot...].dropFirst() == Self.tag(of: claim, under: secret),
            let body = claim.split(separator: ".").first.flatMap({ Base64URL.data(of: String($0)) })
        else { return nil }
        do {
            let grant = try JSONDecoder().decode(AccessGrant.self, from: body)
            return grant.epoch == secret.epoch && grant.expiresAt > clock.unixSeconds ? grant : nil
        } catch {
            return nil  // Tagged by us and yet not a grant: no token of this version.
        }
    }

    /// Makes every token invalid that has been issued so far.
    func expireAll() throws {
        try secret.withLock { secret in
            secret.epoch += 1
            try records.save(secret, id: "secret")
        }
    }

    func resetCounts() {
        counts.withLock { $0 = [:] }
    }

    /// How many tokens each account was given.
    var state: JSON {
        var object = JSONObject()
        for (account, count) in counts.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            object[account] = .integer(count)
        }
        return .object(object)
    }

    private static func tag(of claim: String, under secret: Secret) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Data(claim.utf8), using: SymmetricKey(data: secret.key))
        return Base64URL.text(of: Data(code))
    }
}

/// Base64 for URLs, without padding: RFC 4648 §5.
enum Base64URL {
    static func text(of data: Data) -> String {
        data.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .trimmingCharacters(in: ["="])
    }

    static func data(of text: String) -> Data? {
        guard !text.contains(where: { $0 == "+" || $0 == "/" || $0 == "=" }) else { return nil }
        let text = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        return Data(base64Encoded: text + String(repeating: "=", count: (4 - text.count % 4) % 4))
    }
}
