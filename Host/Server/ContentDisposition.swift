/// RFC 6266: how a download is named.
enum ContentDisposition {
    /// A header value that offers a file under this name, in any script.
    static func attachment(_ filename: String) -> String {
        let plain = String(decoding: filename.utf8.map { isPlain($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
        guard plain != filename else { return "attachment; filename=\"\(plain)\"" }
        let encoded = filename.utf8.map { byte in
            isAttribute(byte) ? String(UnicodeScalar(byte)) : "%" + hexadecimal(byte)
        }
        return "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded.joined())"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20...0x7e).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// RFC 8187 §3.2.1: attr-char, letters and digits alone of them.
    private static func isAttribute(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.count == 1 ? "0" + digits : digits
    }
}
