import GantryPlugin
import PluginHarness
import Synchronization
import Testing

/// An adapter that awaits what is not the host's.
private struct ForeignAdapter: Adapter {
    struct Target: AdapterTarget {
        func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
            await withUnsafeContinuation { continuation in
                ForeignAdapter.waiting.withLock { $0 = continuation }
            }
            do {
                try operation.remember(id: "too late")
            } catch {
                ForeignAdapter.refusal.withLock { $0 = error.reason }
                throw error
            }
            return .done
        }
    }

    static let description = PluginDescription(id: "foreign", version: "1", operations: [.probe])
    static let waiting = Mutex<UnsafeContinuation<Void, Never>?>(nil)
    static let refusal = Mutex<FailureReason?>(nil)

    init(configuration: JSON, host: Host) throws(Failure) {}

    func makeTarget(parameters: JSON) throws(Failure) -> Target { Target() }
}

@Suite(.serialized)
struct ForeignAwaitTests {
    @Test
    func aTaskThatIsResumedFromElsewhereRunsInTheNextStep() throws {
        let probe = try PluginHarness<ForeignAdapter>().start(.probe)

        resume()
        #expect(probe.commands.isEmpty)
        probe.timer()

        #expect(probe.commands.map { $0.kind } == [.remember, .result])
    }

    @Test
    func aTaskThatOutlivesItsOperationEndsWithoutAWord() throws {
        let probe = try PluginHarness<ForeignAdapter>().start(.probe)

        probe.free()
        resume()

        #expect(probe.commands.isEmpty)
        #expect(ForeignAdapter.refusal.withLock { $0 } == .cancelled)
    }

    private func resume() {
        let continuation = ForeignAdapter.waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume()
    }
}
