import HTTPTypes
import NIOHTTP1

/// RFC 9112 §3.2: a request of HTTP/1.1 has exactly one Host, and one of HTTP/1.0 at most one.
///
/// The gateway has no use for its value. But whoever stands before it may go by another of two than whoever stands
/// behind, so none of them shall be made to choose.
enum HostRule {
    /// Why a request is refused; nil if it keeps the rule.
    static func refusal(of head: HTTPRequestHead) -> GatewayError? {
        var count = 0
        for (name, _) in head.headers where isHost(name) { count += 1 }
        switch count {
        case 1: return nil
        case 0 where head.version == .http1_0: return nil
        case 0: return refusal("The request has no Host header, which HTTP/1.1 demands.")
        default: return refusal("The request has more than one Host header.")
        }
    }

    private static func refusal(_ message: String) -> GatewayError {
        GatewayError(.badRequest, code: "malformed_http", message: message)
    }

    private static func isHost(_ name: String) -> Bool {
        let bytes = name.utf8
        return bytes.count == 4 && bytes.elementsEqual("host".utf8) { $0 | 0x20 == $1 }
    }
}
