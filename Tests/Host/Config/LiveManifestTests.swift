import HostCore
import Testing

@testable import HostConfig

/// What becomes of configurations of which not everything is right, at the start and later.
struct LiveManifestTests {
    private let folder: TemporaryFolder
    private static let config = """
        model_list:
          - {model_name: a, litellm_params: {model: openai/x}}
          - {model_name: b, litellm_params: {model: acme/x}}
        general_settings: {master_key: sk-1234}
        router_settings: {fallbacks: [{a: [b]}]}
        """
    private static let acme = "{id: acme, version: '1', library: libacme.so, providers: [acme]}"

    init() throws { folder = try TemporaryFolder() }

    private func read(
        _ manifests: [String: String],
        after earlier: GatewayConfiguration? = nil,
        config: String = config
    ) throws -> GatewayConfiguration {
        for (name, text) in manifests { try folder.write(text, to: name) }
        let file = ConfigurationLoader.File(path: "config.yaml", bytes: Array(config.utf8))
        return try ConfigurationLoader(environment: [:]).read(
            configuration: file,
            pluginsDirectory: folder.path,
            after: earlier
        )
    }

    private func verdicts(_ configuration: GatewayConfiguration) -> [String] {
        configuration.manifests.map { report in
            let name = report.file.split(separator: "/").last ?? ""
            return switch report.verdict {
            case .accepted: "\(name) accepted"
            case .disabled: "\(name) disabled"
            case .notManifest: "\(name) no manifest"
            case .refused(_, let stays): "\(name) refused\(stays ? ", the earlier stays" : "")"
            }
        }
    }

    @Test
    func everyFileIsReported() throws {
        let found = try read([
            "acme.yaml": Self.acme, "broken.yml": "id: [", "libacme.so": "", "off.yaml": "{enabled: false, id: off}",
            "openai.yaml": ConfigurationFixtures.openAI, ".hidden.yaml": "",
        ])

        #expect(
            verdicts(found) == [
                "acme.yaml accepted", "broken.yml refused", "libacme.so no manifest", "off.yaml disabled",
                "openai.yaml accepted",
            ]
        )
        #expect(found.deployments.map(\.refusal) == [nil, nil])
    }

    @Test
    func aRefusedManifestHurtsItsOwnDeploymentsOnly() throws {
        let found = try read(["acme.yaml": Self.acme + " x", "openai.yaml": ConfigurationFixtures.openAI])
        let unknown = try read(["acme.yaml": "{id: acme, version: '1', library: l, providers: [acme], hots: []}"])

        #expect(found.deployments.map { $0.refusal != nil } == [false, true])
        #expect(unknown.deployments.map { $0.refusal != nil } == [false, true])
        #expect(unknown.deployments[1].deployment.plugin == "acme")
        #expect(unknown.deployments[1].deployment.upstreamModel == "x")
        #expect(unknown.deployments[1].refusal?.contains("hots") == true)
    }

    @Test
    func aProviderThatNobodyServesIsAnErrorAtTheStartOnly() throws {
        #expect(throws: ConfigurationError.self) { try read(["openai.yaml": ConfigurationFixtures.openAI]) }
        let first = try read(["acme.yaml": Self.acme])
        try folder.remove("acme.yaml")
        let later = try read([:], after: first)

        #expect(later.deployments.map(\.deployment.modelName) == ["a"])
        #expect(later.leftOut.map(\.modelName) == ["b"])
        #expect(later.routing.retry.fallbacks == ["a": ["b"]])
    }

    @Test
    func aDisabledManifestsDeploymentsAreLeftOut() throws {
        let off = try read(
            ["acme.yaml": Self.acme.dropLast() + ", enabled: false}"].merging(
                ["openai.yaml": ConfigurationFixtures.openAI]) { first, _ in first }
        )

        #expect(off.deployments.map(\.deployment.modelName) == ["a"])
        #expect(off.leftOut.map(\.reason).first?.contains("disabled") == true)
    }

    @Test
    func anEarlierManifestStandsInForOneThatIsRefusedNow() throws {
        let first = try read(["acme.yaml": Self.acme, "openai.yaml": ConfigurationFixtures.openAI])
        let second = try read(["acme.yaml": "id: ["], after: first)
        let third = try read(["acme.yaml": Self.acme.replacing("'1'", with: "'2'")], after: second)

        #expect(verdicts(second) == ["acme.yaml refused, the earlier stays", "openai.yaml accepted"])
        #expect(second.plugins == first.plugins)
        #expect(second.deployments[1].refusal == nil)
        #expect(third.plugins.map(\.version) == ["2", "1.4.0"])
    }

    @Test
    func whoeverHadAProviderKeepsIt() throws {
        let first = try read(["z.yaml": Self.acme, "openai.yaml": ConfigurationFixtures.openAI])
        let second = try read(["a.yaml": Self.acme.replacing("id: acme", with: "id: other")], after: first)

        #expect(verdicts(second) == ["a.yaml refused", "openai.yaml accepted", "z.yaml accepted"])
        #expect(second.deployments[1].deployment.plugin == "acme")
        try folder.remove("z.yaml")
        let third = try read([:], after: second)
        #expect(third.deployments[1].deployment.plugin == "other")
    }

    @Test
    func whatNeedsARestartIsNamedAndNothingElse() throws {
        let first = try read(["acme.yaml": Self.acme, "openai.yaml": ConfigurationFixtures.openAI])
        let text = """
            # moved
            model_list:
              - {model_name: a, litellm_params: {model: openai/x}}
            general_settings: {master_key: sk-12345, max_file_size_mb: 1, sweep_seconds: 7}
            """
        let later = try read([:], after: first, config: text)

        #expect(
            later.keysForRestart(since: first) == ["general_settings.master_key", "general_settings.sweep_seconds"]
        )
        #expect(first.keysForRestart(since: first) == [])
        #expect(later.deployments.count == 1)
    }
}
