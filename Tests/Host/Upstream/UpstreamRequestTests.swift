import HostUpstream
import NIOCore
import Testing

struct UpstreamRequestTests {
    private let url: UpstreamURL

    init() throws {
        url = try UpstreamURL(parsing: "http://a.example/x?y=1")
    }

    @Test(arguments: [
        ("X-Key", "a\r\nX-Injected: b"), ("X-Key", "a\nb"), ("X-Key", "a\rb"), ("X-Key", "a\u{0}b"),
        ("X-Key", "a\u{7f}"),
        ("X-Key", "\u{1b}[0m"), ("X Key", "a"), ("X-Key:", "a"), ("", "a"), ("X-Kéy", "a"), ("X\r\nY", "a"),
        ("X\u{0}", "a"),
        ("(x)", "a"),
    ])
    func aHeaderThatCouldSplitTheMessageIsRefused(name: String, value: String) {
        let error = #expect(throws: UpstreamError.self) {
            try UpstreamRequest(method: "GET", url: url, headers: [(name, value)])
        }

        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("Injected") == false)
    }

    @Test(arguments: [
        "Content-Length", "content-length", "HOST", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "TE",
        "Trailer", "Expect", "Proxy-Connection",
    ])
    func headersThatFrameTheMessageAreTheClientsOwn(name: String) {
        #expect(throws: UpstreamError.self) { try UpstreamRequest(method: "GET", url: url, headers: [(name, "5")]) }
    }

    @Test(arguments: ["", "GET ", "G\r\nET", "CONNECT", "GÉT", "GET /x HTTP/1.1\r\n"])
    func aMethodThatIsNotATokenIsRefused(method: String) {
        #expect(throws: UpstreamError.self) { try UpstreamRequest(method: method, url: url) }
    }

    @Test(arguments: [-1..<Int64(5), 0..<Int64(101), 100..<Int64(101)])
    func aRangeOutsideItsFileIsRefused(range: Range<Int64>) {
        let file = PatternFile(sizeInBytes: 100)

        #expect(throws: UpstreamError.self) {
            try UpstreamRequest(method: "POST", url: url, body: [.file(file, range: range)])
        }
    }

    @Test
    func theHeadIsWrittenAsGiven() async throws {
        let heads = SharedList()
        try await withBench(
            script: { request, peer in
                heads.append(request.head)
                peer.answer()
            },
            test: { bench async throws in
                let headers = [("Authorization", "Bearer tök\ten"), ("x-empty", "")]
                let body: [UpstreamBodyPiece] = [.bytes(ByteBuffer(string: "ab")), .bytes(ByteBuffer(string: "c"))]
                let url = try bench.url("/a?b=%20")
                let with = try UpstreamRequest(method: "POST", url: url, headers: headers, body: body)

                _ = try await bench.answer(to: with)
                _ = try await bench.answer("/g", method: "GET")
                _ = try await bench.answer("/d", method: "DELETE")
                _ = try await bench.answer("/p", method: "POST")

                let host = "Host: 127.0.0.1:\(bench.server.port)\r\n"
                #expect(
                    heads.all == [
                        "POST /a?b=%20 HTTP/1.1\r\n\(host)Authorization: Bearer tök\ten\r\nx-empty: \r\nContent-Length: 3\r\n\r\n",
                        "GET /g HTTP/1.1\r\n\(host)\r\n", "DELETE /d HTTP/1.1\r\n\(host)\r\n",
                        "POST /p HTTP/1.1\r\n\(host)Content-Length: 0\r\n\r\n",
                    ]
                )
            }
        )
    }
}
