/// RFC 9110 §5.5 and §5.6.2: what names and values of header fields are made of.
enum HeaderRules {
    /// Headers that frame the message or the connection; lower case.
    private static let reserved: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade",
    ]

    static func check(_ header: UpstreamRequest.Header) throws(UpstreamError) {
        guard isToken(header.name) else {
            throw UpstreamError(.invalidRequest, "a header's name is empty or holds a character that is not allowed")
        }
        guard !isReserved(header.name) else {
            throw UpstreamError(.invalidRequest, "header \(header.name) is written by the client; leave it out")
        }
        guard isValue(header.value) else {
            throw UpstreamError(.invalidRequest, "the value of header \(header.name) holds a control character")
        }
    }

    static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { tokenBytes[Int($0)] }
    }

    private static func isValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == UInt8(ascii: "\t") }
    }

    private static func isReserved(_ name: String) -> Bool {
        switch name.utf8.count {
        case 2, 4, 6, 7, 10, 14, 16, 17, 19: reserved.contains(name.lowercased())
        default: false
        }
    }

    private static let tokenBytes: [Bool] = {
        var table = [Bool](repeating: false, count: 256)
        for byte in "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8 {
            table[Int(byte)] = true
        }
        return table
    }()
}
