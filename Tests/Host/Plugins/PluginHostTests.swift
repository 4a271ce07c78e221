import Crypto
import Foundation
import HostCore
import HostUpstream
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import HostPlugins

struct PluginHostTests {
    /// A folder with a compiled plugin, and a host that serves it.
    private struct Bench {
        let library: CompiledLibrary
        let host: PluginHost
        private let upstream: UpstreamClient

        init() throws {
            library = try CompiledLibrary()
            _ = try library.compile(Self.source("1"))
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let group = MultiThreadedEventLoopGroup.singleton
            upstream = try UpstreamClient(group: group, filePool: .singleton, logger: logger)
            host = PluginHost(
                runDirectory: library.path("run"),
                environment: OperationEnvironment(upstream: upstream, pool: .singleton),
                group: group,
                logger: logger
            )
        }

        func close() async throws {
            await upstream.shutdown()
            try library.remove()
        }

        /// Two sources differ in this mark alone.
        static func source(_ mark: String) -> String {
            CompiledLibrary.prologue + """
                static const char describe[] = "{\\"params\\":{\\"api_key\\":{\\"kind\\":\\"secret\\"}}}";
                const char *mark = "\(mark)";
                ENTRY {
                  table.ops = ~0ull;
                  table.describe.ptr = (const uint8_t *)describe;
                  table.describe.len = sizeof describe - 1;
                  return &table;
                }

                """
        }

        func plugin(
            version: String = "1.0",
            configuration: [String: ConfigurationValue] = [:],
            trust: TrustPolicy? = nil
        ) -> PluginDefinition {
            PluginDefinition(
                id: "tiny",
                version: version,
                manifestPath: library.path("manifest.yaml"),
                libraryPath: library.path("plugin.so"),
                sha256: nil,
                allowsHost: { _, _, _ in false },
                configuration: configuration,
                secrets: [:],
                trust: trust
            )
        }

        /// The hashes of the manifest's bytes and of the library that is there now.
        func hashes() throws -> [String] {
            let library = try library.bytes(library.path("plugin.so"))
            return [SHA256.hash(data: [UInt8]()).hexadecimal, SHA256.hash(data: library).hexadecimal]
        }

        /// Signs the plugin as it is now.
        func sign(by key: Curve25519.Signing.PrivateKey) throws {
            let hashes = try hashes()
            let signature = try PluginSignature(
                PluginSignature.Subject(manifest: hashes[0], library: hashes[1]),
                by: key
            )
            try library.write("manifest.yaml.sig", Data(signature.text.utf8))
        }

        static func target(
            _ id: String,
            key: ConfigurationValue = .string("secret-one"),
            weight: Int = 1,
            parallel: Int? = nil
        ) -> TargetDefinition {
            let deployment = Deployment(
                id: DeploymentID(id),
                modelName: "model-\(id)",
                configuredModel: "tiny/m",
                upstreamModel: "m",
                plugin: "tiny",
                weight: weight,
                timeout: .seconds(30),
                maximumParallel: parallel
            )
            return TargetDefinition(
                deployment: deployment,
                parameters: ["api_key": key],
                location: "config.yaml:1"
            )
        }

        func apply(_ plugins: [PluginDefinition], _ targets: [TargetDefinition]) -> PluginReport {
            host.apply(PluginPlan(plugins: plugins, targets: targets, variables: [:]))
        }
    }

    private func withBench(_ test: (Bench) throws -> Void) async throws {
        let bench = try Bench()
        let outcome = Result { try test(bench) }
        try await bench.close()
        try outcome.get()
    }

    private static let (a, b) = (DeploymentID("a"), DeploymentID("b"))

    @Test
    func whatHasNotChangedStaysToTheObject() async throws {
        try await withBench { bench in
            _ = bench.apply([bench.plugin()], [Bench.target("a"), Bench.target("b")])
            let before = bench.host.current
            let report = bench.apply([bench.plugin()], [Bench.target("a"), Bench.target("b")])

            #expect(bench.host.target(Self.a) === before.target(Self.a))
            #expect(bench.host.target(Self.b) === before.target(Self.b))
            #expect(bench.host.current.edition == before.edition)
            #expect(report.keptTargets == 2 && report.newTargets == 0)
            guard case .unchanged = report.plugins[0].verdict else { return #expect(Bool(false)) }
            #expect(bench.host.meters.reading(of: "tiny")?.loads == 1)
        }
    }

    @Test
    func anotherParameterMakesAnotherTargetOfTheSameInstanceAndGate() async throws {
        try await withBench { bench in
            _ = bench.apply([bench.plugin()], [Bench.target("a"), Bench.target("b")])
            let before = bench.host.current
            _ = bench.apply([bench.plugin()], [Bench.target("a", key: .string("secret-two")), Bench.target("b")])

            let target = try #require(bench.host.target(Self.a))
            #expect(target !== before.target(Self.a))
            #expect(target.instance === before.target(Self.a)?.instance)
            #expect(target.gate === before.target(Self.a)?.gate)
            #expect(bench.host.target(Self.b) === before.target(Self.b))
            #expect(target.binding.json != before.target(Self.a)?.binding.json, "names are never given twice")
            #expect(bench.host.current.edition == before.edition + 1)
        }
    }

    @Test
    func aChangedLibraryIsLoadedBesideTheOldWhichEndsWithItsLastOperation() async throws {
        try await withBench { bench in
            _ = bench.apply([bench.plugin()], [Bench.target("a")])
            weak let old = bench.host.target(Self.a)?.instance
            var running = bench.host.target(Self.a)
            _ = try bench.library.compile(Bench.source("2"))
            let report = bench.apply([bench.plugin()], [Bench.target("a")])

            guard case .loaded(let generation, _) = report.plugins[0].verdict else { return #expect(Bool(false)) }
            #expect(generation == 2)
            #expect(old != nil, "an operation runs on it")
            #expect(bench.host.target(Self.a)?.instance !== old)
            #expect(running?.instance === old)
            running = nil
            #expect(old == nil)
            #expect(bench.host.meters.reading(of: "tiny")?.generation == 2)
        }
    }

    @Test
    func aRefusedLibraryLeavesTheOldInItsPlaceUntilItIsRight() async throws {
        try await withBench { bench in
            _ = bench.apply([bench.plugin()], [Bench.target("a")])
            let before = bench.host.target(Self.a)
            try bench.library.write("plugin.so", Data("This is a text.".utf8))
            let report = bench.apply([bench.plugin()], [Bench.target("a"), Bench.target("b")])

            guard case .refused(let error, earlierStays: true) = report.plugins[0].verdict else {
                return #expect(Bool(false))
            }
            #expect(error.code == .libraryRefused)
            #expect(bench.host.target(Self.a) === before)
            #expect(bench.host.target(Self.b)?.instance === before?.instance, "the old one takes new deployments")
            #expect(bench.host.meters.reading(of: "tiny")?.refusals[.library] == 1)

            _ = try bench.library.compile(Bench.source("2"))
            _ = bench.apply([bench.plugin()], [Bench.target("a")])
            #expect(bench.host.target(Self.a)?.instance !== before?.instance)
        }
    }

    @Test
    func whatAnotherTrustOpenedDoesNotGoOnWithoutThisOne() async throws {
        try await withBench { bench in
            let trusted = bench.plugin(trust: TrustPolicy(keys: [], hashes: try bench.hashes()))
            _ = bench.apply([trusted], [Bench.target("a")])
            weak let old = bench.host.target(Self.a)?.instance
            #expect(old != nil)
            let report = bench.apply([bench.plugin(trust: TrustPolicy(keys: [], hashes: []))], [Bench.target("a")])

            guard case .refused(let error, earlierStays: false) = report.plugins[0].verdict else {
                return #expect(Bool(false))
            }
            #expect(error.code == .untrusted)
            #expect(old == nil && bench.host.target(Self.a) == nil)
            #expect(bench.host.current.failure(of: Self.a)?.reason == .pluginFailed)
            #expect(bench.host.current.models.deployments.count == 1)

            _ = bench.apply([trusted], [Bench.target("a")])
            #expect(bench.host.target(Self.a) != nil)
            #expect(bench.host.current.failure(of: Self.a) == nil)
        }
    }

    @Test
    func aTargetOfAnotherTrustDoesNotGoOnEither() async throws {
        try await withBench { bench in
            let hashes = try bench.hashes()
            _ = bench.apply([bench.plugin(trust: TrustPolicy(keys: [], hashes: hashes))], [Bench.target("a")])
            let more = TrustPolicy(keys: [], hashes: hashes + [String(repeating: "0", count: 64)])
            let report = bench.apply([bench.plugin(trust: more)], [Bench.target("a", key: .integer(1))])

            #expect(report.refusedTargets.map(\.earlierStays) == [false])
            #expect(bench.host.target(Self.a) == nil)
        }
    }

    @Test
    func whatLosesItsSignatureAloneDoesNotGoOn() async throws {
        try await withBench { bench in
            let key = Curve25519.Signing.PrivateKey()
            let plugin = bench.plugin(trust: TrustPolicy(keys: [PluginKey(key.publicKey)], hashes: []))
            try bench.sign(by: key)
            _ = bench.apply([plugin], [Bench.target("a")])
            let before = try #require(bench.host.target(Self.a))
            _ = try bench.library.compile(Bench.source("2"))
            _ = bench.apply([plugin], [Bench.target("a")])
            #expect(bench.host.target(Self.a) === before, "another library was refused, not this one")

            try bench.sign(by: key)
            _ = bench.apply([plugin], [Bench.target("a")])
            #expect(bench.host.target(Self.a) != nil && bench.host.target(Self.a) !== before)
            try bench.sign(by: Curve25519.Signing.PrivateKey())
            let report = bench.apply([plugin], [Bench.target("a")])

            guard case .refused(_, earlierStays: false) = report.plugins[0].verdict else {
                return #expect(Bool(false))
            }
            #expect(bench.host.target(Self.a) == nil)
        }
    }

    @Test
    func aManifestThatDisagreesWithItsLibraryLeavesTheOldInItsPlace() async throws {
        try await withBench { bench in
            _ = bench.apply([bench.plugin()], [Bench.target("a")])
            let before = bench.host.target(Self.a)
            let report = bench.apply([bench.plugin(version: "9.9")], [Bench.target("a")])

            #expect(report.refusals.count == 1)
            #expect(bench.host.target(Self.a) === before)
        }
    }

    @Test
    func aRefusedDeploymentLeavesTheOldInItsPlaceWithItsSecret() async throws {
        try await withBench { bench in
            _ = bench.apply([bench.plugin()], [Bench.target("a")])
            let before = try #require(bench.host.target(Self.a))
            let report = bench.apply([bench.plugin()], [Bench.target("a", key: .integer(1), weight: 7)])

            #expect(report.refusedTargets.map(\.earlierStays) == [true])
            #expect(bench.host.target(Self.a) === before)
            #expect(bench.host.current.models.deployment(Self.a)?.weight == 1)
            #expect(before.instance.secrets.value("a/api_key", deployment: "a") == "secret-one")
        }
    }

    @Test
    func whatCannotBeLoadedAtFirstFailsAndComesWhenItIsRight() async throws {
        try await withBench { bench in
            try bench.library.write("plugin.so", Data("This is a text.".utf8))
            let report = bench.apply([bench.plugin()], [Bench.target("a")])

            #expect(report.refusals.count == 1, "the deployment does not say it again")
            #expect(bench.host.target(Self.a) == nil)
            #expect(bench.host.current.failure(of: Self.a)?.reason == .pluginFailed)
            #expect(bench.host.current.standing(of: Self.a).rest != nil)
            #expect(bench.host.current.models.deployments.count == 1)
            #expect(throws: OperationFailure.self) { _ = try bench.host.current.known(Self.a) }

            _ = try bench.library.compile(Bench.source("1"))
            _ = bench.apply([bench.plugin()], [Bench.target("a")])
            #expect(bench.host.target(Self.a) != nil)
            #expect(bench.host.current.failure(of: Self.a) == nil)
        }
    }

    @Test(arguments: [
        (PluginError.Code.workerFailed, true), (PluginError.Code.configurationRefused, false),
        (PluginError.Code.libraryRefused, false),
    ])
    func aWorkerThatCouldNotBeStartedIsWorthAnotherTry(code: PluginError.Code, isWorthIt: Bool) {
        let error = PluginError(code, "It was refused.")
        var ofPlugin = PluginReport()
        ofPlugin.plugins = [
            PluginReport.Plugin(id: "tiny", manifest: "tiny.yaml", verdict: .refused(error, earlierStays: false))
        ]
        var ofTarget = PluginReport()
        ofTarget.refusedTargets = [PluginReport.RefusedTarget(deployment: Self.a, error: error, earlierStays: true)]

        #expect(ofPlugin.isWorthRepeating == isWorthIt)
        #expect(ofTarget.isWorthRepeating == isWorthIt)
        #expect(!PluginReport().isWorthRepeating)
    }

    @Test
    func whatIsTakenAwayIsFreed() async throws {
        try await withBench { bench in
            _ = bench.apply([bench.plugin()], [Bench.target("a"), Bench.target("b")])
            weak let instance = bench.host.target(Self.a)?.instance
            var report = bench.apply([bench.plugin()], [Bench.target("b")])

            #expect(report.removedTargets == [Self.a])
            #expect(bench.host.target(Self.a) == nil && bench.host.target(Self.b) != nil)
            report = bench.apply([], [])
            #expect(report.removedPlugins == ["tiny"])
            #expect(instance == nil)
        }
    }

    @Test
    func aPluginHasSixteenGenerationsInOneProcess() async throws {
        try await withBench { bench in
            let image = try Data(contentsOf: URL(filePath: bench.library.path("plugin.so")))
            var last: PluginReport.Verdict?
            for number in 0..<PluginLibraries.mostGenerations + 1 {
                // What follows the sections of a library belongs to none.
                try bench.library.write("plugin.so", image + Data(repeating: UInt8(number), count: 1 + number))
                last = bench.apply([bench.plugin()], [Bench.target("a")]).plugins[0].verdict
            }

            guard case .refused(let error, earlierStays: true) = last else { return #expect(Bool(false)) }
            #expect(error.code == .tooManyGenerations)
            #expect(bench.host.meters.reading(of: "tiny")?.generation == 16)
            #expect(bench.host.target(Self.a) != nil)

            try bench.library.write("plugin.so", image + Data([0]))
            let back = bench.apply([bench.plugin()], [Bench.target("a")]).plugins[0].verdict
            guard case .loaded = back else { return #expect(Bool(false), "it is in the process already") }
        }
    }

    @Test
    func aThousandChangesLeaveOneSecretAndOneTarget() async throws {
        try await withBench { bench in
            var first: PluginInstance?
            for number in 0..<1000 {
                let plugin = bench.plugin(configuration: number % 10 == 0 ? ["n": .integer(Int64(number))] : [:])
                _ = bench.apply([plugin], [Bench.target("a", key: .string("secret-\(number)"))])
                if number == 1 { first = bench.host.target(Self.a)?.instance }
            }

            let target = try #require(bench.host.target(Self.a))
            let store = target.instance.secrets
            #expect(store.masked("secret-999 secret-998") == "[secret] secret-998")
            let json = try #require(String(validating: target.binding.json, as: UTF8.self)).split(separator: "\"")
            let name = json[try #require(json.firstIndex(of: "secret")) + 2].replacing("\\/", with: "/")
            #expect(store.value(String(name), deployment: "a") == "secret-999")
            #expect(first !== target.instance)
            #expect(bench.host.meters.reading(of: "tiny")?.loads == 200)
        }
    }

    @Test
    func manyThreadsMayChangeAndLook() async throws {
        let bench = try Bench()
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    for number in 0..<50 {
                        _ = bench.apply([bench.plugin()], [Bench.target("a", weight: 1 + (thread + number) % 3)])
                        let now = bench.host.current
                        #expect(now.target(Self.a)?.deployment == now.models.deployment(Self.a))
                    }
                }
            }
        }
        try await bench.close()
    }

    @Test
    func aRequestThatIsPinnedSeesWhatItBeganWith() async throws {
        let bench = try Bench()
        _ = bench.apply([bench.plugin()], [Bench.target("a")])
        let before = bench.host.current

        await PluginSnapshot.$pinned.withValue(before) {
            _ = bench.apply([], [])
            #expect(bench.host.target(Self.a) != nil)
            let child = await Task { bench.host.target(Self.a) != nil }.value
            #expect(child)
        }
        #expect(bench.host.target(Self.a) == nil)
        try await bench.close()
    }
}
