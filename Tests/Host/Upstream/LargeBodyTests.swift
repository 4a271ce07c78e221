import HostUpstream
import NIOCore
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct LargeBodyTests {
    private static let size: Int64 = 256 << 20

    @Test
    func aLargeFileArrivesIntactAndIsReadOnlyAsFastAsItIsSent() async throws {
        let file = PatternFile(sizeInBytes: Self.size)
        let furthestAhead = SharedCounter()
        try await withBench(
            at: .connected,
            script: { _, peer in
                let handler = BodyVerifier(offset: 0) { received in
                    furthestAhead.raise(to: file.bytesRead.value - received)
                    if received == Self.size { peer.answer(body: "intact") }
                }
                do {
                    try peer.channel.pipeline.syncOperations.addHandler(handler)
                } catch { Issue.record(error) }
            },
            test: { bench async throws in
                let body: [UpstreamBodyPiece] = [.file(file, range: 0..<Self.size)]
                let answer = try await bench.answer(
                    to: try UpstreamRequest(method: "POST", url: try bench.url(), body: body)
                )

                #expect(answer.body == "intact")
                #expect(file.bytesRead.value == Int(Self.size))
                // The sockets' buffers, and two chunks.
                #expect(furthestAhead.value < 32 << 20)
            }
        )
    }

    @Test
    func filesAndBytesOfAnySizeAreSentInOrder() async throws {
        let head = "--boundary\r\n"
        let file = PatternFile(sizeInBytes: 3_000_000)
        try await withBench(
            script: { request, peer in
                var body = request.body
                let isRight =
                    body.readString(length: head.utf8.count) == head
                    && body.readSlice(length: 1_000_000).map { PatternFile.matches($0, at: 5) } == true
                    && body.readSlice(length: 700_000).map { PatternFile.matches($0, at: 0) } == true
                    && body.readString(length: head.utf8.count) == head
                    && body.readSlice(length: 1).map { PatternFile.matches($0, at: 2_999_999) } == true
                peer.answer(body: "\(isRight) \(body.readableBytes)")
            },
            test: { bench async throws in
                let inMemory = ByteBuffer(bytes: PatternFile.pattern[..<700_000])
                let body: [UpstreamBodyPiece] = [
                    .bytes(ByteBuffer(string: head)), .file(file, range: 5..<1_000_005), .bytes(ByteBuffer()),
                    .file(file, range: 7..<7), .bytes(inMemory), .bytes(ByteBuffer(string: head)),
                    .file(file, range: 2_999_999..<3_000_000),
                ]
                let request = try UpstreamRequest(method: "POST", url: try bench.url(), body: body)
                for _ in 0..<5 { #expect(try await bench.answer(to: request).body == "true 0") }

                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func aFileThatEndsEarlyFailsTheRequestAndCutsTheConnection() async throws {
        try await withBench(
            script: { _, peer in peer.answer() },
            test: { bench async throws in
                let file = PatternFile(sizeInBytes: 10_000_000, failsAt: 5_000_000)
                let body: [UpstreamBodyPiece] = [.file(file, range: 0..<10_000_000)]
                let error = try await bench.failure(
                    of: try UpstreamRequest(method: "POST", url: try bench.url(), body: body, isIdempotent: true)
                )

                #expect(error.code == .unreadableBody)
                await bench.server.closed.waits(for: 1)
                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func anAnswerBeforeTheBodyWasSentIsDeliveredAndTheConnectionClosed() async throws {
        let file = PatternFile(sizeInBytes: Self.size)
        try await withBench(
            at: .headReceived,
            script: { _, peer in
                peer.channel.setOption(.autoRead, value: false).whenComplete { _ in
                    peer.answer("413 Payload Too Large", body: "too large")
                }
            },
            test: { bench async throws in
                let body: [UpstreamBodyPiece] = [.file(file, range: 0..<Self.size)]
                let answer = try await bench.answer(
                    to: try UpstreamRequest(method: "POST", url: try bench.url(), body: body)
                )

                #expect(answer.status == 413)
                #expect(answer.body == "too large")
                #expect(file.bytesRead.value < 40 << 20)
                let next = try await bench.answer()
                #expect(next.status == 413)
                #expect(bench.server.accepted.value == 2)
            }
        )
    }

    @Test
    func anAnswerFromAServerThatClosesWithoutReadingTheBodyIsDelivered() async throws {
        let file = PatternFile(sizeInBytes: Self.size)
        try await withBench(
            at: .headReceived,
            script: { _, peer in
                peer.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", thenClose: ())
            },
            test: { bench async throws in
                let body: [UpstreamBodyPiece] = [.file(file, range: 0..<Self.size)]
                let answer = try await bench.answer(
                    to: try UpstreamRequest(method: "POST", url: try bench.url(), body: body)
                )

                #expect(answer.status == 401)
                #expect(answer.body == "no")
            }
        )
    }

    @Test
    func aGoodAnswerThatBeginsEarlyDoesNotStopTheBody() async throws {
        let size: Int64 = 20 << 20
        try await withBench(
            at: .connected,
            script: { _, peer in
                let hasBegun = SharedCounter()
                let handler = BodyVerifier(offset: 0) { received in
                    if hasBegun.value == 0 {
                        hasBegun.add(1)
                        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
                    }
                    if received == size { peer.send("done") }
                }
                do {
                    try peer.channel.pipeline.syncOperations.addHandler(handler)
                } catch { Issue.record(error) }
            },
            test: { bench async throws in
                let body: [UpstreamBodyPiece] = [.file(PatternFile(sizeInBytes: size), range: 0..<size)]
                let answer = try await bench.answer(
                    to: try UpstreamRequest(method: "POST", url: try bench.url(), body: body)
                )

                #expect(answer.body == "done")
            }
        )
    }
}
