import Crypto
import HostUpstream

/// Signs messages as the Standard Webhooks specification says.
///
/// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, read 2026-11-23.
package struct WebhookSigner: Sendable {
    private let keys: [SymmetricKey]

    /// Makes a signer.
    ///
    /// - Parameter keys: A message is signed with each, so that receivers can change from one to the next.
    package init(keys: [[UInt8]]) { self.keys = keys.map { SymmetricKey(data: $0) } }

    /// The value of `webhook-signature`: for each key `v1,` and the HMAC-SHA256 in base 64, separated by blanks.
    ///
    /// - Parameters:
    ///   - id: The `webhook-id`.
    ///   - timestamp: The `webhook-timestamp` in Unix seconds.
    ///   - body: The message, to the byte.
    /// - Returns: The header's value.
    func signature(id: String, timestamp: Int64, body: String) -> String {
        let message = Array("\(id).\(timestamp).\(body)".utf8)
        return keys.map { key in
            "v1," + Base64.encoded(Array(HMAC<SHA256>.authenticationCode(for: message, using: key)))
        }.joined(separator: " ")
    }
}
