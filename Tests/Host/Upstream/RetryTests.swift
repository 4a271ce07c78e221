import HostUpstream
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RetryTests {
    /// Answers each connection's first request and ends it at the second.
    private static let diesAtSecondRequest: ScriptedServer.Script = { request, peer in
        request.number == 0 ? peer.answer(body: String(buffer: request.body)) : peer.close()
    }

    @Test
    func aRequestOnAStaleConnectionIsRepeatedOnANewOne() async throws {
        try await withBench(
            script: Self.diesAtSecondRequest,
            test: { bench async throws in
                let url = try bench.url()
                #expect(try await bench.answer(to: try post(url, "first")).body == "first")
                #expect(try await bench.answer(to: try post(url, "second")).body == "second")

                #expect(bench.server.accepted.value == 2)
            }
        )
    }

    @Test
    func aLargeBodyIsRepeatedFromItsStart() async throws {
        try await withBench(
            script: { request, peer in
                guard request.number == 0 else { return peer.close() }
                peer.answer(body: "\(PatternFile.matches(request.body, at: 0)) \(request.body.readableBytes)")
            },
            test: { bench async throws in
                let body: [UpstreamBodyPiece] = [.file(PatternFile(sizeInBytes: 1_000_000), range: 0..<1_000_000)]
                let request = try UpstreamRequest(method: "POST", url: try bench.url(), body: body)

                for _ in 0..<3 { #expect(try await bench.answer(to: request).body == "true 1000000") }
                #expect(bench.server.accepted.value == 3)
            }
        )
    }

    @Test
    func aRequestIsRepeatedOnce() async throws {
        try await withBench(
            script: { request, peer in
                request.connection == 0 && request.number == 0 ? peer.answer() : peer.close()
            },
            test: { bench async throws in
                _ = try await bench.answer()
                let error = try await bench.failure(of: try post(try bench.url(), "x"))

                #expect(error.code == .reset)
                #expect(error.wasSent)
                #expect(!error.wasAnswered)
                #expect(bench.server.accepted.value == 2)
            }
        )
    }

    @Test(arguments: [(isIdempotent: true, attempts: 2), (isIdempotent: false, attempts: 1)])
    func onANewConnectionOnlyAnIdempotentRequestIsRepeated(isIdempotent: Bool, attempts: Int) async throws {
        try await withBench(
            script: { _, peer in peer.close() },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url(), isIdempotent: isIdempotent)
                let error = try await bench.failure(of: request)

                #expect(error.code == .reset)
                #expect(bench.server.accepted.value == attempts)
            }
        )
    }

    @Test
    func aRequestThatForbidsItIsNotRepeated() async throws {
        try await withBench(
            script: { _, peer in peer.close() },
            test: { bench async throws in
                let request = try UpstreamRequest(
                    method: "GET",
                    url: try bench.url(),
                    isIdempotent: true,
                    allowsRetry: false
                )
                let error = try await bench.failure(of: request)

                #expect(error.code == .reset)
                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func aRequestThatForbidsItMeetsNoConnectionThatMayBeDead() async throws {
        try await withBench(
            script: Self.diesAtSecondRequest,
            test: { bench async throws in
                _ = try await bench.answer()
                let answer = try await bench.answer(to: try post(try bench.url(), "x", allowsRetry: false))

                #expect(answer.status == 200)
                #expect(bench.server.accepted.value == 2)
            }
        )
    }

    @Test(arguments: ["H", "HTTP/1.1 100 Continue\r\n\r\n"])
    func aRequestIsNotRepeatedOnceAnyByteWasAnswered(text: String) async throws {
        try await withBench(
            script: { request, peer in
                request.number == 0 ? peer.answer() : peer.send(text, thenClose: ())
            },
            test: { bench async throws in
                _ = try await bench.answer()
                let error = try await bench.failure(of: try post(try bench.url(), "x"))

                #expect(error.code == .reset)
                #expect(error.wasAnswered)
                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func aRepeatedRequestWaitsForRoomWhenAllConnectionsAreTaken() async throws {
        try await withBench(
            configure: { $0.maximumConnections = 1 },
            script: Self.diesAtSecondRequest,
            test: { bench async throws in
                let answers = try (0..<6).map { bench.start(try post(try bench.url(), "\($0)")) }

                for (number, answer) in answers.enumerated() { #expect(try await answer.get().body == "\(number)") }
            }
        )
    }
}
