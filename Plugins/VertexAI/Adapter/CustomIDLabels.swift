import GantryPlugin

/// A request's `custom_id`, carried through a batch in the labels of Vertex AI's request.
///
/// Vertex AI gives a batch's answers in any order and echoes each request beside its answer, but knows no name for it.
/// Labels are what it ignores and echoes: at most 64, their values at most 63 of `[a-z0-9_-]`. So the id's bytes are
/// written in base32 (RFC 4648 §7, lower case, no padding), cut into pieces.
/// Source: https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/add-labels-to-api-calls, read 2026-11-23.
enum CustomIDLabels {
    /// The most bytes that fit.
    static let maximumLength = labelLimit * valueLimit * 5 / 8

    private static let labelLimit = 64
    private static let valueLimit = 63
    private static let prefix = "gantry-custom-id-"
    private static let digits = Array("0123456789abcdefghijklmnopqrstuv".utf8)

    /// The labels; nil if the id is longer than ``maximumLength``.
    static func labels(for customID: String) -> JSON? {
        guard customID.utf8.count <= maximumLength else { return nil }
        let text = encoded(Array(customID.utf8))
        var labels = JSONObject()
        var start = 0
        // An empty id is one empty piece.
        repeat {
            let end = min(start + valueLimit, text.count)
            labels.append(
                name: prefix + String(labels.count),
                value: .string(String(decoding: text[start..<end], as: UTF8.self))
            )
            start = end
        } while start < text.count
        return .object(labels)
    }

    /// The id in a request's labels; nil if they are not what ``labels(for:)`` made.
    static func customID(in labels: JSON?) -> String? {
        var text: [UInt8] = []
        let own = labels?.object?.names.filter { $0.hasPrefix(prefix) } ?? []
        guard !own.isEmpty, own.count <= labelLimit else { return nil }
        for index in own.indices {
            guard let piece = labels?[prefix + String(index)]?.string, piece.utf8.count <= valueLimit else {
                return nil
            }
            text.append(contentsOf: piece.utf8)
        }
        return decoded(text).flatMap { String(validating: $0, as: UTF8.self) }
    }

    private static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 8 + 4) / 5)
        var (buffer, bits): (UInt32, UInt32) = (0, 0)
        for byte in bytes {
            buffer = (buffer << 8 | UInt32(byte)) & 0xfff
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(digits[Int(buffer >> bits & 31)])
            }
        }
        if bits > 0 { text.append(digits[Int(buffer << (5 - bits) & 31)]) }
        return text
    }

    private static func decoded(_ text: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (buffer, bits): (UInt32, UInt32) = (0, 0)
        for character in text {
            guard let digit = digits.firstIndex(of: character) else { return nil }
            buffer = (buffer << 5 | UInt32(digit)) & 0xfff
            bits += 5
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
        }
        // What is left over must be the padding that was added, less than a character of zeros.
        guard bits < 5, buffer & ((1 << bits) - 1) == 0 else { return nil }
        return bytes
    }
}
