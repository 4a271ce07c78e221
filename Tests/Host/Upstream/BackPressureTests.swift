import HostUpstream
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(2)))
struct BackPressureTests {
    private static let size = 200 << 20

    /// Sends 200 MB as fast as the client takes them, and counts what the kernel accepted.
    private static func flood(_ peer: Peer, counting written: SharedCounter) {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
        let piece = ByteBuffer(repeating: 7, count: 1 << 20)
        @Sendable
        func sendNext() {
            guard written.value < size else { return }
            peer.channel.writeAndFlush(piece).whenSuccess {
                written.add(piece.readableBytes)
                sendNext()
            }
        }
        sendNext()
    }

    @Test
    func aPausedReaderStopsTheServer() async throws {
        let written = SharedCounter()
        let paused = SharedCounter()
        try await withBench(
            script: { request, peer in
                request.head.hasPrefix("GET /ping") ? peer.answer() : Self.flood(peer, counting: written)
            },
            test: { bench async throws in
                let recorder = bench.loop.makePromise(of: NIOLoopBound<Recorder>.self)
                let answer = bench.start(try UpstreamRequest(method: "GET", url: try bench.url())) {
                    $0.collectsBody = false
                    $0.onBody = { recorder, _ in
                        guard paused.value == 0 else { return }
                        recorder.exchange?.pauseReading()
                        recorder.mustBeSilent = true
                        paused.add(1)
                    }
                    recorder.succeed(NIOLoopBound($0, eventLoop: bench.loop))
                }
                await paused.waits(for: 1)
                // Time for the server to send much more, if anyone read it.
                for _ in 0..<500 { _ = try await bench.answer("/ping") }

                #expect(written.value < 40 << 20)

                let reader = try await recorder.futureResult.get()
                try await bench.loop.submit {
                    reader.value.mustBeSilent = false
                    reader.value.exchange?.resumeReading()
                }.get()
                _ = try await answer.get()
                try await bench.loop.submit { #expect(reader.value.bodySize == Self.size) }.get()
            }
        )
    }

    @Test
    func aReaderThatPausesAfterEveryPieceGetsThemOneAtATime() async throws {
        try await withBench(
            script: { _, peer in
                // Small chunks: many come with one read.
                let chunks = (0..<5_000).map { "4\r\n\(9_999 - $0)\r\n" }
                peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks.joined() + "0\r\n\r\n")
            },
            test: { bench async throws in
                let loop = bench.loop
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                for _ in 0..<2 {
                    let answer = bench.start(request) { recorder in
                        let bound = NIOLoopBound(recorder, eventLoop: loop)
                        recorder.onBody = { recorder, _ in
                            recorder.exchange?.pauseReading()
                            recorder.mustBeSilent = true
                            loop.execute {
                                bound.value.mustBeSilent = false
                                bound.value.exchange?.resumeReading()
                            }
                        }
                    }
                    let expected = (0..<5_000).map { "\(9_999 - $0)" }.joined()
                    #expect(try await answer.get().body == expected)
                }

                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func aReaderMayPauseAndResumeInsideACall() async throws {
        try await withBench(
            script: { _, peer in
                peer.send(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"
                )
            },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                let loop = bench.loop
                let answer = bench.start(request) { recorder in
                    let bound = NIOLoopBound(recorder, eventLoop: loop)
                    recorder.onHead = {
                        $0.exchange?.pauseReading()
                        loop.execute { bound.value.exchange?.resumeReading() }
                    }
                    recorder.onBody = { recorder, _ in
                        recorder.exchange?.pauseReading()
                        recorder.exchange?.resumeReading()
                    }
                }

                #expect(try await answer.get().body == "abc")
                #expect(try await bench.answer().body == "abc")
                #expect(bench.server.accepted.value == 1)
            }
        )
    }
}
