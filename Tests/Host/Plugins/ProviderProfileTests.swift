import CGantryPlugin
import HostCore
import Logging
import Testing

@testable import HostPlugins

/// An instance of a library that serves many providers.
struct ProviderProfileTests {
    private static func description(_ json: String) throws -> PluginDescription {
        var json = json
        return try json.withUTF8 { bytes in
            try PluginDescription(json: UnsafeRawBufferPointer(bytes), library: "x.so")
        }
    }

    private static let profile = ProviderProfile(
        adapter: "openai",
        operations: [.chat, .filesCreate],
        secretParameters: ["api_key", "team"],
        variables: ["api_key": "MISTRAL_API_KEY"],
        contentPurposes: ["batch"]
    )

    @Test
    func theLibrarysOwnVariablesFillNothing() throws {
        let own = try Self.description(
            #"{"params":{"api_key":{"kind":"secret","env":"OPENAI_API_KEY"},"organization":{"kind":"value"},"#
                + #""api_base":{"kind":"endpoint","env":"OPENAI_BASE_URL"}},"content_purposes":["*"],"#
                + #""lost_files":"search"}"#
        )

        let adapted = own.adapted(to: Self.profile)

        #expect(Set(adapted.parameters.keys) == ["api_key", "api_base", "team"])
        #expect(adapted.parameters["api_key"]?.environmentVariable == "MISTRAL_API_KEY")
        #expect(adapted.parameters["api_key"]?.kind == .secret)
        #expect(adapted.parameters["team"]?.kind == .secret)
        #expect(adapted.parameters["team"]?.environmentVariable == nil)
        #expect(adapted.parameters["api_base"]?.kind == .endpoint)
        #expect(adapted.parameters["api_base"]?.environmentVariable == nil)
        #expect(adapted.contentPurposes == ["batch"])
        #expect(adapted.lostFiles == .search)
    }

    @Test
    func whatTheManifestDoesNotSayIsTheLibrarys() throws {
        let own = try Self.description(#"{"content_purposes":["*"]}"#)
        let profile = ProviderProfile(adapter: "openai", operations: [.chat], secretParameters: [])

        #expect(own.adapted(to: profile).contentPurposes == ["*"])
    }

    @Test
    func theKeyOfAnotherProviderIsNeverBound() throws {
        let own = try Self.description(#"{"params":{"api_key":{"kind":"secret","env":"OPENAI_API_KEY"}}}"#)
        let secrets = SecretStore([:])
        var binder = ParameterBinder(
            rules: own.adapted(to: Self.profile).parameters,
            secrets: secrets,
            environment: ["OPENAI_API_KEY": "sk-openai-own", "OPENAI_BASE_URL": "http://127.0.0.1:1"],
            scope: .deployment("d1"),
            location: "config.yaml:1"
        )

        #expect(String(decoding: try binder.bind([:]), as: UTF8.self) == "{}")
        #expect(secrets.value("d1/api_key", deployment: "d1") == nil)
        #expect(binder.endpoints.isEmpty)
    }

    private static func facts(_ id: String, operations: Set<OperationKind>) throws -> PluginFacts {
        try PluginFacts(
            id: id,
            version: "1.0.0",
            operations: operations.reduce(0) { $0 | 1 << UInt64($1.rawValue) },
            flags: 0,
            describe: UnsafeRawBufferPointer(start: nil, count: 0),
            sha256: "",
            library: "x.so"
        )
    }

    private static func definition(_ profile: ProviderProfile?) -> PluginDefinition {
        PluginDefinition(
            id: "mistral",
            version: "7",
            manifestPath: "mistral.yaml",
            libraryPath: "x.so",
            sha256: nil,
            allowsHost: { _, _, _ in false },
            configuration: [:],
            secrets: [:],
            profile: profile
        )
    }

    @Test
    func anInstanceHasTheManifestsNameAndWhatBothHave() throws {
        let library = try Self.facts("openai", operations: [.chat, .embed, .fileDelete])

        let facts = library.adapted(to: Self.definition(Self.profile))

        #expect(facts.id == "mistral")
        #expect(facts.version == "7")
        #expect(facts.operations == [.chat])
    }

    @Test
    func theLibraryIsKnownByTheAdaptersNameAlone() throws {
        let library = try Self.facts("openai", operations: [.chat])
        let other = try Self.facts("mistral", operations: [.chat])

        try library.check(against: Self.definition(Self.profile))

        #expect(throws: PluginError.self) { try other.check(against: Self.definition(Self.profile)) }
        #expect(throws: PluginError.self) { try library.check(against: Self.definition(nil)) }
    }

    @Test
    func onlyALibraryOfItsOwnInWorkersIsHeldToTheListedVariables() {
        func listed(_ limits: PluginLimits?, _ profile: ProviderProfile?) -> Set<String>? {
            PluginDefinition(
                id: "a",
                version: "1",
                manifestPath: "a.yaml",
                libraryPath: "a.so",
                sha256: nil,
                allowsHost: { _, _, _ in false },
                configuration: [:],
                secrets: [:],
                environment: ["A"],
                limits: limits,
                profile: profile
            ).listedVariables
        }

        #expect(listed(PluginLimits(), nil) == ["A"])
        #expect(listed(PluginLimits(), Self.profile) == nil)
        #expect(listed(nil, nil) == nil)
    }

    @Test
    func everyOperationHasAKindOfItsOwn() {
        let kinds = ProviderOperation.allCases.map { OperationKind($0) }

        #expect(Set(kinds).count == kinds.count)
        #expect(!kinds.contains(.credential) && !kinds.contains(.inputCreate) && !kinds.contains(.batchResults))
    }
}
