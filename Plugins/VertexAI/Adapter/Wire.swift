import GantryPlugin

/// Google's fixed names, and the encodings its URLs and tokens are made of.
enum Wire {
    static let cloudPlatformScope = "https://www.googleapis.com/auth/cloud-platform"
    static let tokenEndpoint = "https://oauth2.googleapis.com/token"
    static let storageOrigin = "https://storage.googleapis.com"
    static let metadataOrigin = "http://metadata.google.internal"

    /// How the provider is called in messages to clients.
    static let providerName = "Vertex AI"

    static let jsonContentType = "application/json; charset=UTF-8"

    private static let hexadecimal = Array("0123456789ABCDEF".utf8)
    private static let base64URLAlphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
    )

    /// RFC 3986 §2.1: everything but the unreserved characters is escaped, `/` included.
    static func percentEncoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(hexadecimal[Int(byte >> 4)])
                bytes.append(hexadecimal[Int(byte & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What percent-encoded text stands for; what is no escape stays as it is.
    static func percentDecoded(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let value = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                decoded.append(value)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// RFC 4648 §5, without padding, as JSON Web Tokens want it.
    static func base64URLEncoded(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group: UInt32 = 0
            for position in 0..<3 {
                group = group << 8 | (position < count ? UInt32(bytes[index + position]) : 0)
            }
            for position in 0...count {
                text.append(base64URLAlphabet[Int(group >> UInt32(18 - 6 * position)) & 63])
            }
            index += count
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Two digits in lower case for each byte.
    static func hexadecimalText(_ bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes { text += (byte < 16 ? "0" : "") + String(byte, radix: 16) }
        return text
    }

    /// The body as JSON; nil if it is something else, which is for the caller to judge.
    static func document(_ body: [UInt8]) -> JSON? {
        do {
            return try JSON(parsing: body)
        } catch {
            return nil
        }
    }

    static func isUnreserved(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "~")
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// Whether `text` is made of ASCII letters, digits and `others` alone, and is 1 to `limit` bytes long.
    static func isName(_ text: String, others: String, limit: Int) -> Bool {
        let count = text.utf8.count
        guard count > 0, count <= limit else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || others.utf8.contains($0) }
    }
}

extension JSON {
    static func integer(_ value: Int64) -> JSON { .number(JSONNumber(value)) }
}
