import HostCore

/// The text of a new API key: `sk-` and 32 random bytes in URL-safe base 64.
///
/// It exists from the moment it is made until its answer is sent; nothing stores it.
struct KeyText {
    let text: String

    /// Makes a key from the system's secure generator.
    static func random() -> KeyText {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<4).flatMap { _ in
            withUnsafeBytes(of: generator.next() as UInt64) { Array($0) }
        }
        return KeyText(text: "sk-" + URLSafeBase64.encode(bytes))
    }

    /// What is stored of it.
    var digest: KeyDigest { KeyDigest(of: text) }

    /// What may be shown later: `sk-...` and the last four characters.
    var display: String { "sk-...\(text.suffix(4))" }
}
