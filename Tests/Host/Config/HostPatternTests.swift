import HostConfig
import Testing

struct HostPatternTests {
    @Test(arguments: [
        ("api.openai.com", "https://api.openai.com"),
        ("API.OpenAI.com", "https://api.openai.com"),
        ("https://api.openai.com:443", "https://api.openai.com"),
        ("api.openai.com:8443", "https://api.openai.com:8443"),
        ("HTTP://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("my_service:8000", "https://my_service:8000"),
        ("*.example.com", "https://*.example.com"),
        ("*-aiplatform.googleapis.com", "https://*-aiplatform.googleapis.com"),
        ("*-a.b.example.com:65535", "https://*-a.b.example.com:65535"),
    ])
    func whatIsMeantIsRead(text: String, canonical: String) throws {
        #expect(try HostPattern(parsing: text).description == canonical)
    }

    @Test(arguments: [
        "", "*", "*:443", "https://*", "*.", "*.com", "*-x.com", "*com", "**.example.com", "*.*.example.com",
        "a*.example.com", "a.*.example.com", "*.0.0.1", "*.1.2.3", "example.com.", ".example.com", "a..example.com",
        "-a.example.com", "a-.example.com", "*-.example.com", "user@example.com", "user:password@example.com",
        "https://example.com/", "https://example.com/v1", "example.com?x", "example.com#x", "a\\b.example.com",
        "ftp://example.com", "://example.com", "https://https://example.com", "example.com:", "example.com:0",
        "example.com:65536", "example.com:+443", "example.com:0443", "example.com:443:443", "example.com:４４３", "[::1]",
        "::1", "exam ple.com", "example.com ", "example.com\n", "exämple.com", "\u{212a}.example.com",
        "example.com\u{0}", String(repeating: "a", count: 64) + ".example.com",
        String(repeating: "a.", count: 130) + "example.com",
    ])
    func whatIsNoHostIsRefused(text: String) {
        let error = #expect(throws: ConfigurationError.self) { try HostPattern(parsing: text) }

        #expect(error?.code == .badValue)
        #expect(error?.description.unicodeScalars.contains { $0.properties.generalCategory == .control } == false)
    }

    @Test(arguments: [
        ("api.openai.com", "https", "api.openai.com", 443),
        ("api.openai.com", "HTTPS", "API.OPENAI.COM", 443),
        ("http://127.0.0.1:8080", "http", "127.0.0.1", 8080),
        ("*.example.com", "https", "a.example.com", 443),
        ("*.example.com", "https", "xn--bcher-kva.example.com", 443),
        ("*-aiplatform.googleapis.com", "https", "us-central1-aiplatform.googleapis.com", 443),
        ("*-aiplatform.googleapis.com", "https", "EUROPE-WEST4-aiplatform.googleapis.com", 443),
    ])
    func whatIsMeantMatches(pattern: String, scheme: String, host: String, port: Int) throws {
        let pattern = try HostPattern(parsing: pattern)

        #expect(pattern.matches(scheme: scheme, host: host, port: port))
    }

    @Test(arguments: [
        "-aiplatform.googleapis.com", "aiplatform.googleapis.com", "a.b-aiplatform.googleapis.com",
        "evil-aiplatform.googleapis.com.attacker.com", "evil-aiplatform.googleapis.com.", "x-aiplatform.googleapis.co",
        "attacker.com/x-aiplatform.googleapis.com", "attacker.com#x-aiplatform.googleapis.com",
        "attacker.com?x-aiplatform.googleapis.com", "attacker.com\\x-aiplatform.googleapis.com",
        "attacker.com:443@x-aiplatform.googleapis.com", "user@us-aiplatform.googleapis.com",
        "us-aiplatform.googleapis.com:443", "us-aiplatform.googleapis.com@attacker.com",
        "us%2eattacker.com-aiplatform.googleapis.com", "us_1-aiplatform.googleapis.com",
        "us\u{0}-aiplatform.googleapis.com", "us -aiplatform.googleapis.com", "us\n-aiplatform.googleapis.com",
        "\u{212a}-aiplatform.googleapis.com", "us-aiplatform.googleap\u{131}s.com", "--aiplatform.googleapis.com",
        "us-aiplatform.googleapis\u{3002}com", "us-aiplatformXgoogleapis.com", "*-aiplatform.googleapis.com", "",
        String(repeating: "a", count: 64) + "-aiplatform.googleapis.com", "[::1]", "us-aiplatform..googleapis.com",
    ])
    func tricksDoNotMatch(host: String) throws {
        let pattern = try HostPattern(parsing: "*-aiplatform.googleapis.com")

        #expect(!pattern.matches(scheme: "https", host: host, port: 443))
    }

    @Test(arguments: [
        ("http", "a.example.com", 443), ("http", "a.example.com", 80), ("https", "a.example.com", 80),
        ("https", "a.example.com", 0), ("https", "a.example.com", -1), ("https", "example.com", 443),
        ("https", ".example.com", 443), ("https", "a.b.example.com", 443), ("https", "aexample.com", 443),
        ("https", "a.example.com.", 443), ("", "a.example.com", 443), ("https:", "a.example.com", 443),
    ])
    func anotherSchemeHostOrPortDoesNotMatch(scheme: String, host: String, port: Int) throws {
        let pattern = try HostPattern(parsing: "*.example.com")

        #expect(!pattern.matches(scheme: scheme, host: host, port: port))
    }

    @Test
    func anAbsentPortIsTheSchemesOwn() throws {
        #expect(try HostPattern(parsing: "a.example.com").matches(scheme: "https", host: "a.example.com", port: nil))
        #expect(try !HostPattern(parsing: "a.example.com:1").matches(scheme: "https", host: "a.example.com", port: nil))
    }
}
