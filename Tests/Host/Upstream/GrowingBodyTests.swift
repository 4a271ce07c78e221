import HostUpstream
import NIOCore
import NIOSSL
import Testing

/// Bodies from files that the system sends, and from files that are not whole yet.
@Suite(.timeLimit(.minutes(2)))
struct GrowingBodyTests {
    private static let size: Int64 = 9_000_001

    private static func verify(_ peer: Peer, _ received: SharedCounter, size: Int64 = size) {
        let handler = BodyVerifier(offset: 0) { count in
            received.add(count - received.value)
            if count == size { peer.answer(body: "intact") }
        }
        do {
            try peer.channel.pipeline.syncOperations.addHandler(handler)
        } catch { Issue.record(error) }
    }

    @Test
    func aFileWithADescriptorIsSentByTheSystem() async throws {
        let file = try DiskFile(sizeInBytes: Self.size)
        let received = SharedCounter()
        try await withBench(
            at: .connected,
            script: { _, peer in Self.verify(peer, received) },
            test: { bench async throws in
                let request = try UpstreamRequest(
                    method: "POST",
                    url: try bench.url(),
                    body: [.file(file, range: 0..<5), .file(file, range: 5..<Self.size)]
                )
                #expect(try await bench.answer(to: request).body == "intact")
                #expect(file.bytesRead.value == 0)
            }
        )
    }

    @Test
    func aFileThatIsShorterThanItSaysIsNotWaitedFor() async throws {
        let file = try DiskFile(sizeInBytes: Self.size, length: Self.size - 10)
        try await withBench(
            script: { _, peer in peer.answer() },
            test: { bench async throws in
                let request = try UpstreamRequest(
                    method: "POST",
                    url: try bench.url(),
                    body: [.file(file, range: 0..<Self.size)]
                )
                #expect(try await bench.failure(of: request).code == .unreadableBody)
                await bench.server.closed.waits(for: 1)
            }
        )
    }

    @Test
    func aGrowingFileIsSentAsFarAsItIsThere() async throws {
        let file = try DiskFile(sizeInBytes: Self.size, growing: true)
        let progress = try #require(file.progress)
        let received = SharedCounter()
        try await withBench(
            at: .connected,
            script: { _, peer in Self.verify(peer, received) },
            test: { bench async throws in
                let request = try UpstreamRequest(
                    method: "POST",
                    url: try bench.url(),
                    body: [.file(file, range: 0..<Self.size)]
                )
                let answer = bench.start(request)
                var waits = 0
                for end in [1, 2, 70_000, 2_500_000, 8_999_999] as [Int64] {
                    waits += 1
                    await progress.waits.waits(for: waits)
                    progress.advance(to: end)
                    await received.waits(for: Int(end))
                    // Others are served in the meantime: nothing waits on the event loop.
                    #expect(received.value == Int(end))
                }
                await progress.waits.waits(for: waits + 1)
                progress.advance(to: Self.size)

                #expect(try await answer.get().body == "intact")
            }
        )
    }

    @Test
    func aFileThatIsGivenUpFailsTheRequestAndCutsTheConnection() async throws {
        let file = try DiskFile(sizeInBytes: Self.size, growing: true)
        let progress = try #require(file.progress)
        try await withBench(
            script: { _, peer in peer.answer() },
            test: { bench async throws in
                let request = try UpstreamRequest(
                    method: "POST",
                    url: try bench.url(),
                    body: [.file(file, range: 0..<Self.size)]
                )
                progress.advance(to: 3_000_000)
                let answer = bench.start(request)
                await progress.waits.waits(for: 1)
                progress.advance(to: 3_000_000, givingUp: true)

                #expect(try await bench.failure(of: answer).code == .unreadableBody)
                await bench.server.closed.waits(for: 1)
            }
        )
    }

    @Test
    func aFileThatStopsGrowingIsWaitedForNoLongerThanAPeer() async throws {
        let file = try DiskFile(sizeInBytes: Self.size, growing: true)
        try await withBench(
            configure: { $0.writeStallTimeout = .milliseconds(200) },
            script: { _, peer in peer.answer() },
            test: { bench async throws in
                let request = try UpstreamRequest(
                    method: "POST",
                    url: try bench.url(),
                    body: [.file(file, range: 0..<Self.size)]
                )
                let error = try await bench.failure(of: request)

                #expect(error.code == .timeout)
                #expect(error.message.contains("did not grow"))
            }
        )
    }
}
