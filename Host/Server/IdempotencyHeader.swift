import Crypto
import HTTPTypes
import HostCore
import HostRegistry
import HostTransfer
import Hummingbird

/// The `Idempotency-Key` of an upload.
enum IdempotencyHeader {
    private static let name = HTTPField.Name("Idempotency-Key")
    private static let maximumLength = 255

    /// The client's key; nil if it sent none.
    ///
    /// - Throws: ``GatewayError`` with 400 for one that is no visible ASCII or too long.
    static func key(of request: Request) throws(GatewayError) -> String? {
        guard let name, let text = request.headers[name] else { return nil }
        guard (1...maximumLength).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw GatewayError(
                .badRequest,
                parameter: "Idempotency-Key",
                message: "An Idempotency-Key has 1 to \(maximumLength) visible ASCII characters, such as a UUID."
            )
        }
        return text
    }

    /// The key with what it stands for: a repeat has the same fields and the same content.
    ///
    /// A key counts within a team: what was made under it belongs to others than what was made without.
    static func idempotencyKey(_ text: String, for upload: ReceivedUpload, by principal: Principal) -> IdempotencyKey {
        let request = upload.request
        let parts = [
            request.purpose.rawValue, request.filename, request.mimeType, upload.file.sha256,
            request.expiresAfterSeconds.map { String($0) } ?? "-",
        ]
        return IdempotencyKey(
            text: digest([principal.teamID?.description ?? "", text]),
            fingerprint: digest(parts + request.targetNames)
        )
    }

    private static func digest(_ parts: [String]) -> String {
        var hash = SHA256()
        // Each part with its length, so that no two lists of parts read alike.
        for part in parts { hash.update(data: Array("\(part.utf8.count):\(part)".utf8)) }
        return hash.finalize().hexadecimal
    }
}
