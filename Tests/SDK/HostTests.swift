import CGantryPlugin
import GantryPlugin
import PluginHarness
import Synchronization
import Testing

/// An adapter that is nothing but a way to the host's services.
private struct HostProbe: Adapter {
    struct Target: AdapterTarget {
        let host: Host

        func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
            host.log(.warning, "sample message", [("file.id", "f-1"), ("empty", "")])
            host.setCacheValue([1, 2, 3], for: "small", lifetimeMilliseconds: 1_000)
            host.setCacheValue(Array(repeating: 7, count: 5_000), for: "large", lifetimeMilliseconds: 1_000)
            return .json([
                "now": .number(JSONNumber(host.nowMilliseconds)),
                "random": .number(JSONNumber(try host.random(count: 16).count)),
                "digest": .number(JSONNumber(try host.sha256([1]).count)),
                "signature": .number(JSONNumber(try host.sign(algorithm: .rs256, key: "private_key", [1]).count)),
                "small": .array((host.cacheValue(for: "small") ?? []).map { .number(JSONNumber($0)) }),
                "large": .number(JSONNumber(host.cacheValue(for: "large")?.count ?? -1)),
                "none": .bool(host.cacheValue(for: "none") == nil),
            ])
        }
    }

    static let description = PluginDescription(id: "host-probe", version: "1", operations: [.probe])

    let host: Host

    init(configuration: JSON, host: Host) throws(Failure) { self.host = host }

    func makeTarget(parameters: JSON) throws(Failure) -> Target { Target(host: host) }
}

struct HostTests {
    @Test
    func servicesReachTheHost() throws {
        let harness = try PluginHarness<HostProbe>()
        let algorithms = Mutex<[UInt32]>([])
        harness.host.sign = { algorithm, key, data in
            algorithms.withLock { $0.append(algorithm) }
            return Array(repeating: 0, count: algorithm == 1 ? 32 : 256)
        }

        let probe = try harness.start(.probe)

        #expect(
            probe.result == [
                "now": 1_795_305_600_000, "random": 16, "digest": 32, "signature": 256, "small": [1, 2, 3],
                "large": 5_000, "none": true,
            ]
        )
        #expect(algorithms.withLock { $0 } == [1, 3])
        let entry = try #require(harness.host.log.first)
        #expect(entry.message == "sample message")
        #expect(entry.level == 2)
        #expect(entry.fields.map { "\($0.0)=\($0.1)" } == ["file.id=f-1", "empty="])
    }

    @Test
    func aHostWithoutRandomnessFailsTheOperation() throws {
        let harness = try PluginHarness<HostProbe>()
        harness.host.randomStatus = -7

        #expect(try harness.start(.probe).failure?.reason == .internalError)
    }

    @Test
    func anUnknownKeyFailsTheOperation() throws {
        let harness = try PluginHarness<HostProbe>()
        harness.host.sign = { algorithm, _, _ in algorithm == 1 ? [] : nil }

        #expect(try harness.start(.probe).failure?.reason == .internalError)
    }

    @Test
    func servicesThatAnOlderHostDoesNotHaveAreMissingAndNotCalled() throws {
        for size in 8..<MemoryLayout<gantry_host>.size {
            let harness = try PluginHarness<HostProbe>(host: FakeHost(size: size))

            let probe = try harness.start(.probe)

            #expect(probe.isOver)
            if size < 80 { #expect(probe.failure?.reason == .internalError) }
        }
    }
}
