/// Method, URL and headers of a request, known to be well formed.
///
/// Checked and laid out once, it serves any number of requests: those of a deployment differ in their bodies alone.
package final class UpstreamRequestHead: Sendable {
    package typealias Header = (name: String, value: String)

    package let method: String
    package let url: UpstreamURL
    /// All but those the client writes itself: see ``init(method:url:headers:)``.
    package let headers: [Header]
    /// The head as the endpoint gets it, but for the length of the body and the empty line at the end.
    let bytes: [UInt8]
    /// Whether the answer has no body.
    let isHead: Bool
    /// Whether the length is said even if it is nothing.
    ///
    /// RFC 9110 §8.6: a method that defines a meaning for content says so even when there is none.
    let alwaysHasLength: Bool

    /// Checks and makes a head.
    ///
    /// - Parameters:
    ///   - method: A token; `CONNECT` is refused.
    ///   - url: Where to send it.
    ///   - headers: Names are tokens, values hold no control character but the tab. Framing is the client's own job:
    ///     `Content-Length`, `Host`, `Transfer-Encoding`, `Connection` and the like are refused.
    /// - Throws: ``UpstreamError`` with `.invalidRequest`; the message holds no value.
    package init(method: String, url: UpstreamURL, headers: [Header] = []) throws(UpstreamError) {
        guard HeaderRules.isToken(method), method != "CONNECT" else {
            throw UpstreamError(.invalidRequest, "the method must be a token other than CONNECT")
        }
        for header in headers { try HeaderRules.check(header) }
        self.method = method
        self.url = url
        self.headers = headers
        bytes = Self.text(method: method, target: url.target, url: url, headers: headers)
        isHead = method == "HEAD"
        alwaysHasLength = method == "POST" || method == "PUT" || method == "PATCH"
    }

    /// The head as a proxy gets it that passes the request on.
    ///
    /// RFC 9112 §3.2.2: it is told the whole URL.
    func bytes(through proxy: UpstreamProxy) -> [UInt8] {
        var bytes = Self.text(method: method, target: url.description, url: url, headers: headers)
        if let authorization = proxy.authorization {
            bytes.append(contentsOf: "Proxy-Authorization: \(authorization)\r\n".utf8)
        }
        return bytes
    }

    private static func text(method: String, target: String, url: UpstreamURL, headers: [Header]) -> [UInt8] {
        var text = Array("\(method) \(target) HTTP/1.1\r\nHost: \(url.authority)\r\n".utf8)
        for header in headers {
            text.append(contentsOf: header.name.utf8)
            text.append(contentsOf: ": ".utf8)
            text.append(contentsOf: header.value.utf8)
            text.append(contentsOf: "\r\n".utf8)
        }
        return text
    }
}
