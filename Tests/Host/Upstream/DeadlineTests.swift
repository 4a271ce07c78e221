import HostUpstream
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DeadlineTests {
    @Test
    func aServerThatNeverAnswersIsGivenUp() async throws {
        try await withBench(
            configure: { $0.firstByteTimeout = .milliseconds(50) },
            script: { _, _ in },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url(), isIdempotent: true)
                let error = try await bench.failure(of: request)

                #expect(error.code == .timeout)
                #expect(error.wasSent)
                #expect(!error.wasAnswered)
                await bench.server.closed.waits(for: 1)
                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func informationalAnswersDoNotPutOffTheDeadline() async throws {
        try await withBench(
            configure: { $0.firstByteTimeout = .milliseconds(50) },
            script: { _, peer in
                peer.channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(10)) { task in
                    guard peer.channel.isActive else { return task.cancel() }
                    peer.send("HTTP/1.1 102 Processing\r\n\r\n")
                }
            },
            test: { bench async throws in
                let error = try await bench.failure(of: try UpstreamRequest(method: "GET", url: try bench.url()))

                #expect(error.code == .timeout)
            }
        )
    }

    @Test
    func anAnswerThatStopsIsGivenUp() async throws {
        try await withBench(
            configure: { $0.idleReadTimeout = .milliseconds(50) },
            script: { _, peer in peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") },
            test: { bench async throws in
                let error = try await bench.failure(of: try UpstreamRequest(method: "GET", url: try bench.url()))

                #expect(error.code == .timeout)
                #expect(error.wasAnswered)
            }
        )
    }

    @Test
    func anAnswerThatTricklesForeverEndsAtTheTotalTime() async throws {
        try await withBench(
            script: { _, peer in
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                peer.channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(5)) { task in
                    guard peer.channel.isActive else { return task.cancel() }
                    peer.send("x")
                }
            },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url(), totalTimeout: .milliseconds(80))
                let error = try await bench.failure(of: request)

                #expect(error.code == .timeout)
                await bench.server.closed.waits(for: 1)
            }
        )
    }

    @Test
    func aPausedReaderIsNotTakenForASilentServerButHasATotalTime() async throws {
        let start = NIODeadline.now()
        try await withBench(
            configure: { $0.idleReadTimeout = .milliseconds(10) },
            script: { _, peer in peer.answer(body: "hello") },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url(), totalTimeout: .milliseconds(150))
                let answer = bench.start(request) { recorder in
                    recorder.onHead = { $0.exchange?.pauseReading() }
                }

                #expect(try await bench.failure(of: answer).code == .timeout)
                #expect(NIODeadline.now() - start >= .milliseconds(150))
            }
        )
    }

    @Test
    func aServerThatTakesNoBodyIsGivenUp() async throws {
        try await withBench(
            at: .connected,
            configure: { $0.writeStallTimeout = .milliseconds(200) },
            script: { _, peer in
                peer.channel.setOption(.autoRead, value: false).whenFailure { Issue.record($0) }
            },
            test: { bench async throws in
                let size: Int64 = 1 << 30
                let file = PatternFile(sizeInBytes: size)
                let body: [UpstreamBodyPiece] = [.file(file, range: 0..<size)]
                let error = try await bench.failure(
                    of: try UpstreamRequest(method: "POST", url: try bench.url(), body: body)
                )

                #expect(error.code == .timeout)
                // What the kernel's buffers hold, and two chunks.
                #expect(file.bytesRead.value < 32 << 20)
            }
        )
    }

    @Test
    func aTimerLeftFromAnEarlierRequestDoesNotEndALaterOne() async throws {
        try await withBench(
            configure: {
                $0.firstByteTimeout = .milliseconds(500)
                $0.idleLifetime = .milliseconds(200)
            },
            script: { request, peer in
                guard request.number < 3 else { return }
                _ = peer.channel.eventLoop.scheduleTask(in: .milliseconds(250)) { peer.answer() }
            },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                let last = bench.start(request).flatMap { _ in bench.start(request) }.flatMap { _ in
                    bench.start(request)
                }
                let error = try await bench.failure(of: last.flatMap { _ in bench.start(request) })

                #expect(error.code == .timeout)
                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func aConnectionThatWasAcceptedWhileTheLoopStoodStillIsNotGivenUp() async throws {
        try await withBench(
            configure: { $0.connectTimeout = .milliseconds(50) },
            script: { _, peer in peer.answer(body: "hello") },
            test: { bench async throws in
                let answer = bench.start(try UpstreamRequest(method: "GET", url: try bench.url())) { _ in
                    // By then it is under way.
                    bench.loop.execute { standStill() }
                }

                #expect(try await answer.get().body == "hello")
            }
        )
    }
}
