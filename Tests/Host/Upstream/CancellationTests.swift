import HostUpstream
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct CancellationTests {
    /// Starts a request whose delegate must hear nothing after `cancel`.
    private func cancels(
        _ bench: Bench,
        _ request: UpstreamRequest,
        prepare: @escaping @Sendable (Recorder) -> Void
    ) async throws {
        try await bench.loop.submit { Self.cancels(bench, request, prepare: prepare) }.get()
    }

    private static func cancels(_ bench: Bench, _ request: UpstreamRequest, prepare: (Recorder) -> Void) {
        // Nobody waits for an outcome: the recorder reports any call as an issue.
        let promise = bench.loop.makePromise(of: Answer.self)
        let recorder = Recorder(promise)
        recorder.exchange = bench.client.send(request, on: bench.loop, delegate: recorder)
        recorder.mustBeSilent = false
        prepare(recorder)
        promise.fail(UpstreamError(.cancelled, "only to let the promise go"))
    }

    private static func cancel(_ recorder: Recorder) {
        recorder.exchange?.cancel()
        recorder.mustBeSilent = true
    }

    @Test
    func beforeThereIsAConnection() async throws {
        try await withBench(
            script: { request, peer in peer.answer(body: request.head.hasPrefix("GET /x") ? "wrong" : "right") },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url("/x"))
                try await cancels(bench, request) { Self.cancel($0) }

                // The connection that was on its way serves someone else.
                #expect(try await bench.answer().body == "right")
                #expect(bench.server.accepted.value <= 2)
            }
        )
    }

    @Test
    func whileItWaitsInTheQueue() async throws {
        try await withBench(
            configure: { $0.maximumConnections = 1 },
            script: { request, peer in peer.answer(body: "\(request.number)") },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                // All in one turn of the loop, so that the first still runs.
                let answers = try await bench.loop.submit {
                    let first = bench.start(request)
                    Self.cancels(bench, request) { Self.cancel($0) }
                    return [first, bench.start(request)]
                }.get()

                #expect(try await answers[0].get().body == "0")
                #expect(try await answers[1].get().body == "1")
            }
        )
    }

    @Test
    func whileTheServerThinks() async throws {
        let received = SharedCounter()
        try await withBench(
            script: { request, peer in
                if request.head.hasPrefix("GET /slow") { received.add(1) } else { peer.answer() }
            },
            test: { bench async throws in
                _ = try await bench.answer()
                let request = try UpstreamRequest(method: "GET", url: try bench.url("/slow"), isIdempotent: true)
                try await cancels(bench, request) { recorder in
                    let bound = NIOLoopBound(recorder, eventLoop: bench.loop)
                    received.whenReached(1) { bench.loop.execute { Self.cancel(bound.value) } }
                }

                await bench.server.closed.waits(for: 1)
                _ = try await bench.answer()
                #expect(bench.server.accepted.value == 2)
            }
        )
    }

    @Test
    func insideTheCallWithTheHead() async throws {
        try await withBench(
            script: { _, peer in peer.answer(body: "hello") },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                try await cancels(bench, request) { $0.onHead = Self.cancel }

                await bench.server.closed.waits(for: 1)
                #expect(try await bench.answer().body == "hello")
                #expect(bench.server.accepted.value == 2)
            }
        )
    }

    @Test
    func insideACallWithAPieceOfTheBody() async throws {
        try await withBench(
            script: { _, peer in
                peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
            },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                try await cancels(bench, request) { $0.onBody = { recorder, _ in Self.cancel(recorder) } }

                await bench.server.closed.waits(for: 1)
                #expect(try await bench.answer().body == "ab")
            }
        )
    }

    @Test
    func whileItsReaderIsPaused() async throws {
        try await withBench(
            script: { _, peer in peer.answer(body: "hello") },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                try await cancels(bench, request) { recorder in
                    let bound = NIOLoopBound(recorder, eventLoop: bench.loop)
                    recorder.onHead = { recorder in
                        recorder.exchange?.pauseReading()
                        recorder.mustBeSilent = true
                        bench.loop.execute {
                            bound.value.exchange?.cancel()
                            bound.value.exchange?.resumeReading()
                            bound.value.exchange?.cancel()
                        }
                    }
                }

                await bench.server.closed.waits(for: 1)
                _ = try await bench.answer()
                #expect(bench.server.accepted.value == 2)
            }
        )
    }

    @Test
    func whileALargeBodyIsSent() async throws {
        let size: Int64 = 1 << 40
        let file = PatternFile(sizeInBytes: size)
        let received = SharedCounter()
        try await withBench(
            at: .headReceived,
            script: { _, _ in received.add(1) },
            test: { bench async throws in
                let body: [UpstreamBodyPiece] = [.file(file, range: 0..<size)]
                let request = try UpstreamRequest(method: "POST", url: try bench.url(), body: body)
                try await cancels(bench, request) { recorder in
                    let bound = NIOLoopBound(recorder, eventLoop: bench.loop)
                    received.whenReached(1) { bench.loop.execute { Self.cancel(bound.value) } }
                }

                await bench.server.closed.waits(for: 1)
                #expect(file.bytesRead.value < Int(size))
            }
        )
    }

    @Test
    func afterTheEndItDoesNothing() async throws {
        try await withBench(
            script: { _, peer in peer.answer() },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                let bound = bench.loop.makePromise(of: NIOLoopBound<Recorder>.self)
                let answer = bench.start(request) { bound.succeed(NIOLoopBound($0, eventLoop: bench.loop)) }
                _ = try await answer.get()
                let recorder = try await bound.futureResult.get()
                try await bench.loop.submit { recorder.value.exchange?.cancel() }.get()

                _ = try await bench.answer()
                #expect(bench.server.accepted.value == 1)
            }
        )
    }
}
