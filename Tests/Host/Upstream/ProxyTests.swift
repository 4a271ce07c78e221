import HostUpstream
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ProxyTests {
    /// A name that nobody resolves: whoever reaches it went through the proxy.
    private static let provider = "provider.test.invalid"

    private struct ProxyBench: Sendable {
        let bench: Bench
        let proxy: TestProxy

        func get(_ scheme: String, host: String = provider) throws -> UpstreamRequest {
            try UpstreamRequest(
                method: "GET",
                url: try bench.url("/path?q=1", scheme: scheme, host: host),
                isIdempotent: true
            )
        }
    }

    private func withProxy(
        tls: Bool = false,
        refusal: String? = nil,
        credentials: String = "",
        exceptions: String = "",
        onRequest: @escaping @Sendable (any EventLoop) -> Void = { _ in },
        configure: (inout UpstreamConfiguration) -> Void = { _ in },
        test: (ProxyBench) async throws -> Void
    ) async throws {
        let authority = try TestAuthority()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let loop = group.next()
        let server = try await ScriptedServer(group: group, tls: tls ? try authority.server("names") : nil) {
            $1.answer(body: $0.head)
        }
        let proxy = try await TestProxy(group: group, target: server.port, refusal: refusal) { onRequest(loop) }
        let way = try UpstreamProxy(parsing: "http://\(credentials)127.0.0.1:\(proxy.port)")
        var configuration = UpstreamConfiguration()
        configuration.additionalTrustRootsPath = authority.rootPath
        configuration.proxies = UpstreamProxies(http: way, https: way, exceptions: exceptions)
        configure(&configuration)
        let client = try UpstreamClient(
            group: group,
            filePool: .singleton,
            configuration: configuration,
            logger: Logger(label: "test")
        )
        let bench = Bench(client: client, server: server, loop: loop)
        let result: Result<Void, any Error>
        do { result = .success(try await test(ProxyBench(bench: bench, proxy: proxy))) } catch {
            result = .failure(error)
        }
        await client.shutdown()
        try await proxy.stop()
        try await server.stop()
        try await group.shutdownGracefully()
        try authority.remove()
        try result.get()
    }

    @Test
    func plainRequestsNameTheWholeURLToTheProxy() async throws {
        try await withProxy(credentials: "us%65r:p%40ss@") { bench async throws in
            let head = try await bench.bench.answer(to: try bench.get("http")).body

            let authority = "\(Self.provider):\(bench.bench.server.port)"
            #expect(head.hasPrefix("GET http://\(authority)/path?q=1 HTTP/1.1\r\nHost: \(authority)\r\n"))
            // user:p@ss
            #expect(head.contains("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"))
        }
    }

    @Test
    func encryptedRequestsGoThroughATunnelThatIsKept() async throws {
        try await withProxy(tls: true, credentials: "user:p%40ss@") { bench async throws in
            for _ in 0..<3 {
                let head = try await bench.bench.answer(to: try bench.get("https")).body
                #expect(head.hasPrefix("GET /path?q=1 HTTP/1.1\r\nHost: \(Self.provider):"))
                // What is for the proxy is not for the provider.
                #expect(!head.lowercased().contains("proxy-authorization"))
            }

            let authority = "\(Self.provider):\(bench.bench.server.port)"
            #expect(
                bench.proxy.heads.all == [
                    "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n"
                        + "Proxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n"
                ]
            )
        }
    }

    @Test
    func theProvidersCertificateIsVerifiedBehindAProxy() async throws {
        try await withProxy(tls: true) { bench async throws in
            let error = try await bench.bench.failure(of: try bench.get("https", host: "other.invalid"))

            #expect(error.code == .tls)
            #expect(!error.wasSent)
        }
    }

    @Test
    func anAddressCannotBeVerifiedBehindAProxyAndIsRefused() async throws {
        try await withProxy(tls: true) { bench async throws in
            let error = try await bench.bench.failure(of: try bench.get("https", host: "192.0.2.1"))

            #expect(error.code == .denied)
            #expect(error.message.contains("NO_PROXY"))
            #expect(bench.proxy.heads.all.isEmpty)
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", UpstreamError.Code.connect, "credentials"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", .connect, "status 403"),
        ("HTTP/1.1 200 OK\r\n\r\nsurprise", .protocolViolation, "ahead of the tunnel"),
        ("SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n", .protocolViolation, "does not speak HTTP"),
        (String(repeating: "x", count: 20_000), .protocolViolation, "too long"),
    ])
    func aProxyThatOpensNoTunnelIsNamed(answer: String, code: UpstreamError.Code, text: String) async throws {
        try await withProxy(tls: true, refusal: answer, credentials: "user:hunter2@") { bench async throws in
            let error = try await bench.bench.failure(of: try bench.get("https"))

            #expect(error.code == code)
            #expect(error.message.contains(text))
            #expect(error.message.contains("127.0.0.1:\(bench.proxy.port)"))
            #expect(!error.message.contains("hunter2") && !error.wasSent)
        }
    }

    @Test
    func anInformationalAnswerOfTheProxyIsNotTheTunnel() async throws {
        let answer = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n"
        try await withProxy(tls: true, refusal: answer) { bench async throws in
            let error = try await bench.bench.failure(of: try bench.get("https"))

            #expect(error.message.contains("status 502"))
        }
    }

    @Test
    func aProxyThatSaysNothingIsGivenUp() async throws {
        let shorten = { (configuration: inout UpstreamConfiguration) in
            configuration.connectTimeout = .milliseconds(100)
        }
        try await withProxy(tls: true, refusal: "", configure: shorten) { bench async throws in
            let error = try await bench.bench.failure(of: try bench.get("https"))

            #expect(error.code == .timeout)
        }
    }

    @Test
    func aTunnelThatWasOpenedWhileTheLoopStoodStillIsNotGivenUp() async throws {
        try await withProxy(
            tls: true,
            onRequest: { loop in loop.execute { standStill() } },
            configure: { $0.connectTimeout = .milliseconds(50) },
            test: { bench async throws in
                #expect(try await bench.bench.answer(to: try bench.get("https")).status == 200)
            }
        )
    }

    @Test
    func aProxyThatIsNotThereIsNamed() async throws {
        try await withProxy { bench async throws in
            try await bench.proxy.stop()
            let error = try await bench.bench.failure(of: try bench.get("http"))

            #expect(error.code == .connect)
            #expect(error.message.contains("127.0.0.1:\(bench.proxy.port)"))
        }
    }

    @Test
    func thisMachineIsReachedDirectly() async throws {
        try await withProxy { bench async throws in
            for host in ["localhost", "127.0.0.1"] {
                #expect(try await bench.bench.answer(to: try bench.get("http", host: host)).body.hasPrefix("GET /path"))
            }
            #expect(bench.proxy.heads.all.isEmpty)
        }
    }

    @Test
    func exceptedHostsAreReachedDirectly() async throws {
        try await withProxy(exceptions: "test.invalid") { bench async throws in
            let error = try await bench.bench.failure(of: try bench.get("http"))

            // Asked for directly, the name has no address.
            #expect(error.code == .dns)
            #expect(bench.proxy.heads.all.isEmpty)
        }
    }
}

struct UpstreamProxyTests {
    private static func endpoint(_ host: String) throws -> UpstreamEndpoint {
        try UpstreamURL(parsing: "http://\(host)/").endpoint
    }

    @Test(arguments: [
        ("http://proxy:3128", "http://proxy:3128"), ("proxy:3128", "http://proxy:3128"),
        ("HTTP://Proxy:3128/path?x", "http://proxy:3128"), ("http://a:b@c@proxy", "http://proxy"),
        ("http://[::1]:8080/", "http://[::1]:8080"), ("user:@10.0.0.1:3128", "http://10.0.0.1:3128"),
    ])
    func theFormsOfAProxysURL(text: String, endpoint: String) throws {
        #expect(try UpstreamProxy(parsing: text).description == endpoint)
    }

    @Test(arguments: [
        "https://secret@proxy", "socks5://secret:1080", "", "http://", "http://secret secret:80", "http://secret:99999",
        "http://secret%zz@proxy", "http://secret%2@proxy", "http://secret%+1@proxy", "://secret",
    ])
    func whatIsNoProxysURLIsRefusedWithoutRepeatingIt(text: String) {
        let error = #expect(throws: UpstreamError.self) { try UpstreamProxy(parsing: text) }

        #expect(error?.message.contains("secret") == false)
    }

    @Test
    func aProxyShowsItsPlaceAlone() throws {
        let proxy = try UpstreamProxy(parsing: "http://user:hunter2@proxy:1")
        var dumped = ""
        dump(UpstreamProxies(http: proxy), to: &dumped)
        dumped += "\(proxy) \(String(reflecting: proxy)) \([proxy])"

        // The password, and what it is with its user in base64.
        #expect(!dumped.contains("hunter2") && !dumped.contains("dXNlcjpodW50ZXIy"))
    }

    @Test(arguments: [
        ("", "a.example", false), ("*", "a.example", true), ("*", "10.1.2.3", true), ("example", "a.example", true),
        ("a.example", "a.example", true), (".a.example", "a.example", true), (".a.example", "b.a.example", true),
        ("A.Example.", "a.example", true), ("a.example", "ba.example", false), ("b.a.example", "a.example", false),
        ("x, a.example", "a.example", true), ("x a.example\ty", "a.example", true), (",,", "a.example", false),
        ("*.example", "a.example", false), ("a.example:80", "a.example", false), ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3", "10.1.2.30", false), ("1.2.3", "10.1.2.3", false), ("10.0.0.0/8", "10.1.2.3", true),
        ("10.0.0.0/8", "11.1.2.3", false), ("10.1.2.0/23", "10.1.3.255", true), ("10.1.2.0/23", "10.1.4.0", false),
        ("0.0.0.0/0", "8.8.8.8", true), ("10.0.0.0/33", "10.0.0.0", false), ("10.0.0.0/x", "10.0.0.0", false),
        ("10.0.0.0/", "10.0.0.0", false), ("2001:db8::/32", "[2001:db8::1]", true),
        ("[2001:db8::1]", "[2001:db8::1]", true),
        ("2001:db8::/32", "[2001:db9::1]", false), ("10.0.0.0/8", "[::a00:1]", false), ("", "localhost", true),
        ("", "a.localhost", true), ("", "localhost.example", false), ("", "127.9.9.9", true), ("", "[::1]", true),
        ("", "128.0.0.1", false), ("", "[::2]", false),
    ])
    func exceptionsAreReadAsCurlReadsThem(exceptions: String, host: String, isDirect: Bool) throws {
        let proxies = UpstreamProxies(http: try UpstreamProxy(parsing: "proxy"), exceptions: exceptions)

        #expect((try proxies.proxy(for: Self.endpoint(host)) == nil) == isDirect)
    }

    @Test
    func eachSchemeHasItsProxy() throws {
        let proxies = UpstreamProxies(https: try UpstreamProxy(parsing: "proxy"))

        #expect(proxies.proxy(for: try UpstreamURL(parsing: "http://a.example/").endpoint) == nil)
        #expect(proxies.proxy(for: try UpstreamURL(parsing: "https://a.example/").endpoint) != nil)
    }
}
