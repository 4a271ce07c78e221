import HostUpstream
import Testing

struct UpstreamURLTests {
    @Test(arguments: [
        ("https://api.openai.com/v1/files?limit=2", "https://api.openai.com/v1/files?limit=2"),
        ("HTTPS://API.OpenAI.com:443", "https://api.openai.com/"),
        ("http://a:80/x", "http://a/x"),
        ("http://a:8080?x=1&y[0]=%2f", "http://a:8080/?x=1&y[0]=%2f"),
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/"),
        ("http://[::1]:65535/", "http://[::1]:65535/"),
        ("https://[2001:DB8:0:0::1]/a", "https://[2001:db8::1]/a"),
        ("http://my_host-1.internal/a:b@c,d;e='(f)*!$&+~", "http://my_host-1.internal/a:b@c,d;e='(f)*!$&+~"),
        ("http://123.example/", "http://123.example/"),
        ("http://a/b//../c", "http://a/b//../c"),
    ])
    func anAbsoluteURLIsSplitAndMadeCanonical(text: String, canonical: String) throws {
        let url = try UpstreamURL(parsing: text)

        #expect(url.description == canonical)
        #expect(try UpstreamURL(parsing: canonical) == url)
    }

    @Test
    func theHostOfAnIPv6AddressHasNoBrackets() throws {
        let url = try UpstreamURL(parsing: "http://[::1]:99/")

        #expect(url.host == "::1")
        #expect(url.port == 99)
        #expect(url.authority == "[::1]:99")
    }

    @Test(arguments: [
        "", "/", "a", "//a/b", "ftp://a/", "http:/a", "http:///x", "http://", "https://?x", "http://a b/", " http://a/",
        "http://a/ ", "http://a/\u{0}", "http://a\u{0}b/", "http://a/\r\nX: y", "http://a\r\n/", "http://a/\t",
        "http://user@a/", "http://user:pass@a/", "http://a@b:80/", "http://a:80@b/", "http://a/#f", "http://a#f",
        "http://a:/", "http://a:0/", "http://a:65536/", "http://a:-1/", "http://a:+8/", "http://a:8 0/",
        "http://a:123456/",
        "http://[::1/", "http://::1/", "http://[::1]x/", "http://[fe80::1%25eth0]/", "http://[127.0.0.1]/",
        "http://[]/",
        "http://[::g]/", "http://a%2eb/", "http://.a/", "http://a..b/", "http://a./", "http://ä/", "http://a/ä",
        "http://a/b\\c", "http://a\\b/", "http://a/%", "http://a/%2", "http://a/%zz", "http://a/<x>", "http://a/[x]",
        "http://127.1/", "http://2130706433/", "http://0x7f.0.0.1/", "http://0x7f000001/", "http://127.0.0.01/",
        "http://127.0.0.256/", "http://1.2.3/", "http://1.2.3.4.5/", "http://0177.0.0.1/", "http://a.0x/",
    ])
    func whatIsNotAPlainAbsoluteURLIsRefused(text: String) {
        let error = #expect(throws: UpstreamError.self) { try UpstreamURL(parsing: text) }

        #expect(error?.code == .invalidRequest)
    }

    @Test
    func namesAndURLsHaveAMaximumLength() throws {
        let label = String(repeating: "a", count: 63)
        let host = [label, label, label, String(label.dropLast(2))].joined(separator: ".")

        #expect(try UpstreamURL(parsing: "http://\(host)/").host.utf8.count == 253)
        #expect(throws: UpstreamError.self) { try UpstreamURL(parsing: "http://a\(host)/") }
        #expect(throws: UpstreamError.self) { try UpstreamURL(parsing: "http://\(label)a/") }
        #expect(throws: UpstreamError.self) {
            try UpstreamURL(parsing: "http://a/" + String(repeating: "x", count: UpstreamURL.maximumLength))
        }
    }

    @Test
    func garbageNeverYieldsWhatCouldBreakARequestLine() throws {
        var generator = SeededGenerator(state: 42)
        let alphabet = Array("http://[]:@?#%\\ \r\n\t\u{0}\u{7f}aZ0.9-_éf:/1x".unicodeScalars)
        var acceptedCount = 0
        for _ in 0..<100_000 {
            var text = Bool.random(using: &generator) ? "http://" : ""
            for _ in 0..<Int.random(in: 0..<24, using: &generator) {
                text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
            }
            guard let url = try? UpstreamURL(parsing: text) else { continue }
            acceptedCount += 1
            let line = url.authority + url.target
            #expect(line.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") })
            #expect(!url.host.utf8.contains(UInt8(ascii: "@")))
            #expect(url.target.hasPrefix("/"))
            #expect((1...65_535).contains(url.port))
            #expect(try UpstreamURL(parsing: url.description) == url)
        }
        #expect(acceptedCount > 1_000)
    }
}

/// A repeatable source of randomness (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
