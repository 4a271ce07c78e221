/// Makes the random parts of identifiers.
enum RandomName {
    private static let alphanumerics = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

    /// `length` random letters and digits.
    static func alphanumeric(_ length: Int) -> String {
        String((0..<length).compactMap { _ in alphanumerics.randomElement() })
    }

    /// `length` random hexadecimal digits in lower case.
    static func hexadecimal(_ length: Int) -> String {
        String((0..<length).compactMap { _ in "0123456789abcdef".randomElement() })
    }
}

extension Sequence where Element == UInt8 {
    /// These bytes as hexadecimal digits in lower case.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef")
        return String(flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
