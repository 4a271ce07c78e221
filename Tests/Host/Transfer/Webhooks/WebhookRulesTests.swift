import HostCore
import HostTransfer
import Testing

struct WebhookRulesTests {
    private func rules(
        defaultURL: String? = nil,
        allowed: [String] = ["https hooks.example 443", "https eu.hooks.example 8443", "http plain.example 80"],
        inside: [String] = []
    ) throws -> WebhookRules {
        try WebhookRules(
            defaultURL: defaultURL,
            allowsHost: { allowed.contains("\($0) \($1) \($2)") },
            allowsInside: { inside.contains("\($0) \($1) \($2)") },
            trustsProxy: { _, _, _ in false }
        )
    }

    @Test(arguments: [
        ("https://hooks.example/a?token=x", "https://hooks.example/a?token=x"),
        ("HTTPS://Hooks.Example:443", "https://hooks.example/"),
        ("https://eu.hooks.example:8443/", "https://eu.hooks.example:8443/"),
        ("http://plain.example/x", "http://plain.example/x"),
    ])
    func aURLOfAnAllowedHostIsTold(url: String, expected: String) throws {
        #expect(try rules().target(requested: url) == expected)
    }

    @Test(arguments: [
        "", "hooks.example", "ftp://hooks.example/", "http://hooks.example/", "https://hooks.example:8443/",
        "https://other.example/", "https://x.hooks.example/", "https://hooks.example.evil.example/",
        "https://user@hooks.example/", "https://user:password@hooks.example/", "https://hooks.example/#fragment",
        "https://hooks.example@evil.example/", "https://evil.example\\@hooks.example/", "https://hooks.example./",
        "https://hooks.example/ ", "https://hooks.example/\r\nHost: x", "https://hooks.example/\u{0}",
        "https://127.0.0.1/", "https://[::1]/", "https://127.1/", "https://0x7f.1/", "https://2130706433/",
        "https://0177.0.0.1/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data/",
        "https://hoöks.example/", "https://hooks.example/" + String(repeating: "a", count: 2048),
        "javascript:alert(1)", "file:///etc/passwd", "//hooks.example/", "https:hooks.example",
    ])
    func anyOtherURLIsRefusedWithTheNameOfItsMember(url: String) throws {
        let rules = try rules()

        let error = #expect(throws: RuleError.self) { try rules.target(requested: url) }

        #expect(error?.code == .invalidRequest)
        #expect(error?.parameter == "metadata.webhook_url")
        #expect(error.map { url.isEmpty || !$0.message.contains(url) } == true)
    }

    @Test(arguments: ["https://10.0.0.1/", "https://[::1]/", "https://127.0.0.1/", "https://169.254.169.254/"])
    func anAddressThatIsNotPublicIsRefusedEvenIfItsHostIsAllowed(url: String) throws {
        let rules = try WebhookRules(
            defaultURL: nil,
            allowsHost: { _, _, _ in true },
            allowsInside: { _, _, _ in false },
            trustsProxy: { _, _, _ in false }
        )

        #expect(throws: RuleError.self) { try rules.target(requested: url) }
    }

    @Test
    func anAddressInsideIsToldWhereThatIsAllowed() throws {
        let place = "http 127.0.0.1 8080"

        #expect(
            try rules(allowed: [place], inside: [place]).target(requested: "http://127.0.0.1:8080/x")
                == "http://127.0.0.1:8080/x"
        )
        #expect(throws: RuleError.self) {
            try rules(allowed: [place], inside: ["http 127.0.0.1 8081"]).target(requested: "http://127.0.0.1:8080/x")
        }
    }

    @Test
    func theDefaultIsToldWhenTheMetadataNamesNothing() throws {
        let rules = try rules(defaultURL: "http://operator.example/hook")

        #expect(try rules.target(requested: nil) == "http://operator.example/hook")
        #expect(try rules.target(requested: "https://hooks.example/") == "https://hooks.example/")
        // What the operator chose is no secret way for clients to other places of that host.
        #expect(throws: RuleError.self) { try rules.target(requested: "http://operator.example/other") }
    }

    @Test
    func withoutADefaultNobodyIsTold() throws {
        #expect(try rules().target(requested: nil) == nil)
    }

    @Test(arguments: ["hooks.example", "https://10.0.0.1/", "https://a@hooks.example/", "https://169.254.169.254/"])
    func aDefaultThatCannotBeToldIsRefusedAtOnce(url: String) {
        #expect(throws: RuleError.self) { try rules(defaultURL: url) }
    }

    @Test
    func withoutWebhooksAURLIsRefusedAndNothingIsTold() throws {
        #expect(try WebhookRules.off.target(requested: nil) == nil)
        let error = #expect(throws: RuleError.self) {
            try WebhookRules.off.target(requested: "https://hooks.example/")
        }
        #expect(error?.code == .unsupported)
        #expect(error?.parameter == "metadata.webhook_url")
    }
}
