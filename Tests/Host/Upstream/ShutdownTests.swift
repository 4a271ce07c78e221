import HostUpstream
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ShutdownTests {
    @Test
    func idleConnectionsAreClosedAndLaterRequestsRefused() async throws {
        try await withBench(
            script: { _, peer in peer.answer() },
            test: { bench async throws in
                _ = try await bench.answer()

                await bench.client.shutdown()

                await bench.server.closed.waits(for: 1)
                let error = try await bench.failure(of: try UpstreamRequest(method: "GET", url: try bench.url()))
                #expect(error.code == .cancelled)
                #expect(!error.wasSent)
                await bench.client.shutdown()
            }
        )
    }

    @Test
    func runningRequestsMayFinishAndWaitingOnesAreRefused() async throws {
        let received = SharedCounter()
        let mayAnswer = SharedCounter()
        try await withBench(
            configure: { $0.maximumConnections = 1 },
            script: { _, peer in
                received.add(1)
                mayAnswer.whenReached(1) { peer.answer(body: "done") }
            },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                // In one turn of the loop, so that the first still runs.
                let answers = try await bench.loop.submit { [bench.start(request), bench.start(request)] }.get()
                await received.waits(for: 1)

                async let shutdown: Void = bench.client.shutdown()

                #expect(try await bench.failure(of: answers[1]).code == .cancelled)
                mayAnswer.add(1)
                #expect(try await answers[0].get().body == "done")
                await shutdown
                #expect(received.value == 1)
            }
        )
    }

    @Test
    func whatDoesNotFinishInTimeIsEnded() async throws {
        let received = SharedCounter()
        try await withBench(
            script: { _, _ in received.add(1) },
            test: { bench async throws in
                let start = NIODeadline.now()
                let request = try UpstreamRequest(method: "GET", url: try bench.url(), isIdempotent: true)
                let running = bench.start(request)
                await received.waits(for: 1)

                await bench.client.shutdown()

                #expect(NIODeadline.now() - start >= .seconds(5))
                let error = try await bench.failure(of: running)
                #expect(error.code == .cancelled)
                #expect(error.wasSent)
                await bench.server.closed.waits(for: 1)
            }
        )
    }
}
