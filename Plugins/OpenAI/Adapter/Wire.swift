import GantryPlugin

/// How OpenAI writes things on the wire.
enum Wire {
    /// Percent-encodes all but the unreserved characters of RFC 3986 §2.3.
    static func percentEncoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { appendEncoded($1, to: &$0) }
    }

    private static let digits = Array("0123456789ABCDEF")

    private static func appendEncoded(_ byte: UInt8, to output: inout String) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            output.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            output.append("%")
            output.append(digits[Int(byte >> 4)])
            output.append(digits[Int(byte & 0x0F)])
        }
    }

    /// A query as a client has sent it, with everything percent-encoded that cannot stand in one (RFC 3986 §3.4).
    static func query(_ text: String) -> String {
        let bytes = Array(text.utf8)
        return bytes.indices.reduce(into: "") { output, index in
            let byte = bytes[index]
            let isEscape = byte == UInt8(ascii: "%") && bytes[(index + 1)...].prefix(2).filter(isHexDigit).count == 2
            if isEscape || "&=+".utf8.contains(byte) {
                output.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                appendEncoded(byte, to: &output)
            }
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool { Character(Unicode.Scalar(byte)).isHexDigit }

    /// Writes a form field's or file's name between quotes.
    ///
    /// Source: <https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data>,
    /// read 2026-11-22.
    static func formName(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { output, scalar in
            switch scalar {
            case "\"": output += "%22"
            case "\r": output += "%0D"
            case "\n": output += "%0A"
            default: output.unicodeScalars.append(scalar)
            }
        }
    }

    /// A media type that can stand in a header; what cannot becomes the type of unknown bytes.
    static func mediaType(_ text: String?) -> String {
        let unknown = "application/octet-stream"
        guard let text, text.utf8.count <= 255, text.utf8.contains(UInt8(ascii: "/")),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return unknown }
        return text
    }

    /// Milliseconds from a decimal number of `unit` milliseconds each; nil for anything else, such as a date.
    static func milliseconds(_ text: String, unit: Double) -> UInt64? {
        let allowed = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        guard allowed, text.utf8.count <= 12, let number = Double(text) else { return nil }
        return UInt64(exactly: (number * unit).rounded(.up))
    }
}

extension HTTPResponse {
    /// Whether the status is one of success.
    var isSuccess: Bool { (200..<300).contains(status) }

    /// How long the provider asks to wait, or 0.
    ///
    /// `retry-after-ms` is more precise and comes first; a date is not understood.
    var retryAfterMilliseconds: UInt64 {
        if let text = header("retry-after-ms"), let value = Wire.milliseconds(text, unit: 1) { return value }
        if let text = header("retry-after"), let value = Wire.milliseconds(text, unit: 1000) { return value }
        return 0
    }
}
