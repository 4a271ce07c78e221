import HostConfig
import Testing

struct WebhookSettingsTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private static let longer = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

    private func settings(_ webhooks: String, environment: [String: String] = [:]) throws -> WebhookSettings? {
        let text = """
            model_list: [{model_name: a, litellm_params: {model: gpt}}]
            general_settings:
              master_key: sk-1234
              webhooks: \(webhooks)
            """
        return try ConfigurationFixtures.load(text, environment: environment).general.webhooks
    }

    @Test
    func everySettingIsRead() throws {
        let webhooks = """
            {url: os.environ/URL, secret: [os.environ/SECRET, \(Self.longer)],
               allowed_hosts: ["*.hooks.example.com", "http://plain.example:8080"],
               allow_private_addresses: ["http://plain.example:8080"]}
            """
        let environment = ["URL": "https://h.example/t", "SECRET": Self.secret]

        let settings = try #require(try settings(webhooks, environment: environment))

        #expect(settings.url?.text == "https://h.example/t")
        #expect(settings.secrets.map(\.count) == [24, 32])
        #expect(settings.allows(scheme: "https", host: "eu.hooks.example.com", port: 443))
        #expect(settings.allows(scheme: "http", host: "plain.example", port: 8080))
        #expect(!settings.allows(scheme: "https", host: "other.example.com", port: 443))
        #expect(!settings.allows(scheme: "https", host: "plain.example", port: 8080))
        #expect(settings.allowsPrivateAddresses(scheme: "http", host: "plain.example", port: 8080))
        #expect(!settings.allowsPrivateAddresses(scheme: "http", host: "plain.example", port: 8081))
        #expect(!settings.allowsPrivateAddresses(scheme: "https", host: "eu.hooks.example.com", port: 443))
    }

    @Test
    func withASecretAloneEveryHostIsAllowedByHTTPSAndNoPrivateAddress() throws {
        let settings = try #require(try settings("{secret: \(Self.secret)}"))

        #expect(settings.url == nil)
        #expect(settings.allows(scheme: "https", host: "any.example", port: 8443))
        #expect(!settings.allows(scheme: "http", host: "any.example", port: 80))
        #expect(!settings.allowsPrivateAddresses(scheme: "https", host: "any.example", port: 443))
    }

    @Test(arguments: [("true", true), ("false", false), ("[]", false)])
    func privateAddressesMayBeAllowedEverywhere(value: String, expected: Bool) throws {
        let settings = try #require(try settings("{secret: \(Self.secret), allow_private_addresses: \(value)}"))

        #expect(settings.allowsPrivateAddresses(scheme: "https", host: "any.example", port: 443) == expected)
    }

    @Test
    func anEmptyListOfHostsAllowsNone() throws {
        let settings = try #require(try settings("{secret: \(Self.secret), allowed_hosts: []}"))

        #expect(!settings.allows(scheme: "https", host: "any.example", port: 443))
    }

    @Test
    func withoutTheMappingThereAreNoWebhooks() throws {
        #expect(try settings("") == nil)
    }

    @Test(arguments: [
        ("{}", "webhooks"), ("{url: 'https://h.example'}", "webhooks"), ("{secret: []}", "secret"),
        ("{secret: MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}", "secret"), ("{secret: whsec_}", "secret"),
        ("{secret: whsec_c2hvcnQ=}", "secret"), ("{secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa!!'}", "secret"),
        ("{secret: [whsec_c2hvcnQ=]}", "secret[0]"), ("{secret: os.environ/NOTHING}", "secret"),
        ("{secrets: whsec_c2hvcnQ=}", "secrets"), ("[]", "webhooks"), ("'https://h.example'", "webhooks"),
        ("{secret: \(secret), allowed_hosts: [https://h.example/path]}", "allowed_hosts[0]"),
        ("{secret: \(secret), allowed_hosts: h.example}", "allowed_hosts"),
        ("{secret: \(secret), allow_private_addresses: maybe}", "allow_private_addresses"),
        ("{secret: \(secret), url: 7}", "url"),
    ])
    func whatIsWrongIsRefusedWithItsPlaceAndWithoutTheSecret(webhooks: String, place: String) {
        let error = #expect(throws: ConfigurationError.self) { try settings(webhooks) }

        #expect(error?.location?.key.hasSuffix(place) == true, "\(error.map(\.description) ?? "")")
        #expect(error?.message.contains("c2hvcnQ") == false)
        #expect(error?.message.contains("LaLa") == false)
    }
}
