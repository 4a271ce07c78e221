import HostCore

/// The line that separates the parts of a multipart body.
package struct MultipartBoundary: Hashable, Sendable {
    /// The boundary itself, without dashes; 1 to 70 of the characters that RFC 2046 §5.1.1 allows.
    package let text: String

    /// Reads the `Content-Type` of a request.
    ///
    /// - Parameter contentType: Such as `multipart/form-data; boundary=abc`; nil if the header is absent.
    /// - Throws: ``RuleError`` with `.invalidRequest`.
    package init(contentType: String?) throws(RuleError) {
        let value = try contentType.map { text throws(RuleError) in try MultipartParameters(text) }
        guard let value, value.main == "multipart/form-data" else {
            throw RuleError(.invalidRequest, "Send the file as multipart/form-data, as curl -F and every SDK do.")
        }
        guard let boundary = value.value("boundary"), Self.isValid(boundary) else {
            throw RuleError(
                .invalidRequest,
                "The Content-Type has no valid boundary; leave the header to the HTTP client, which makes one up."
            )
        }
        text = boundary
    }

    private static func isValid(_ boundary: String) -> Bool {
        let extra = Set("'()+_,-./:=? ".utf8)
        return (1...70).contains(boundary.utf8.count) && boundary.utf8.last != UInt8(ascii: " ")
            && boundary.utf8.allSatisfy { $0.isASCIIAlphanumeric || extra.contains($0) }
    }
}

extension UInt8 {
    /// Whether this is an ASCII letter or digit.
    var isASCIIAlphanumeric: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }

    /// Whether RFC 9110 §5.6.2 allows this in a token.
    var isTokenCharacter: Bool {
        switch self {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: isASCIIAlphanumeric
        }
    }
}
