import HostUpstream
import NIOCore
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AnswerTests {
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", 200, "hello"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, ""),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, ""),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            200, "x"
        ),
    ])
    func aWellFormedAnswerIsDeliveredAndTheConnectionKept(text: String, status: Int, body: String) async throws {
        try await withBench(
            script: { _, peer in peer.send(text) },
            test: { bench async throws in
                for _ in 0..<3 {
                    let answer = try await bench.answer()
                    #expect(answer.status == status)
                    #expect(answer.body == body)
                }

                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func theAnswerToHeadHasNoBodyWhateverItsLength() async throws {
        try await withBench(
            script: { request, peer in
                peer.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + (request.head.hasPrefix("HEAD") ? "" : "hello")
                )
            },
            test: { bench async throws in
                for method in ["HEAD", "GET", "HEAD", "HEAD", "POST"] {
                    let answer = try await bench.answer(method: method)
                    #expect(answer.body == (method == "HEAD" ? "" : "hello"))
                    #expect(answer.headers["Content-Length"] == ["5"])
                }

                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func trailersAreDelivered() async throws {
        try await withBench(
            script: { _, peer in
                peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 9\r\n\r\n")
            },
            test: { bench async throws in
                let answer = try await bench.answer()

                #expect(answer.trailers?["x-sum"] == ["9"])
            }
        )
    }

    @Test
    func anAnswerWithoutALengthEndsWithTheConnection() async throws {
        try await withBench(
            script: { _, peer in peer.send("HTTP/1.1 200 OK\r\n\r\nhello", thenClose: ()) },
            test: { bench async throws in
                #expect(try await bench.answer().body == "hello")
                #expect(try await bench.answer().body == "hello")

                #expect(bench.server.accepted.value == 2)
            }
        )
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ])
    func aTruncatedAnswerNeverLooksComplete(text: String) async throws {
        try await withBench(
            script: { _, peer in peer.send(text, thenClose: ()) },
            test: { bench async throws in
                let error = try await bench.failure(of: try post(try bench.url(), "x"))

                #expect(error.code == .reset)
                #expect(error.wasAnswered)
            }
        )
    }

    @Test
    func aTruncatedAnswerNeverLooksCompleteToAPausedReader() async throws {
        try await withBench(
            script: { _, peer in peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", thenClose: ()) },
            test: { bench async throws in
                let request = try post(try bench.url(), "x")
                let answer = bench.start(request) { recorder in
                    recorder.onHead = { recorder in
                        recorder.exchange?.pauseReading()
                        recorder.mustBeSilent = true
                        let exchange = NIOLoopBound(recorder, eventLoop: bench.loop)
                        bench.server.closed.whenReached(1) {
                            bench.loop.execute {
                                exchange.value.mustBeSilent = false
                                exchange.value.exchange?.resumeReading()
                            }
                        }
                    }
                }

                #expect(try await bench.failure(of: answer).code == .reset)
            }
        )
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX-Bad\u{1}: y\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: y\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20x OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "\u{0}\u{1}\u{2}",
    ])
    func whatIsNotHTTPFailsTheRequest(text: String) async throws {
        try await withBench(
            script: { _, peer in peer.send(text) },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url(), isIdempotent: true)
                let error = try await bench.failure(of: request)

                #expect(error.code == .protocolViolation)
                #expect(bench.server.accepted.value == 1)
                await bench.server.closed.waits(for: 1)
            }
        )
    }

    @Test(arguments: [
        (length: 90_000, count: 1), (length: 1_000, count: 100), (length: 1, count: 300),
    ])
    func aHeadOverTheLimitFailsTheRequest(length: Int, count: Int) async throws {
        let header = "X: " + String(repeating: "a", count: length) + "\r\n"
        try await withBench(
            script: { _, peer in peer.answer(headers: String(repeating: header, count: count)) },
            test: { bench async throws in
                let error = try await bench.failure(of: try UpstreamRequest(method: "GET", url: try bench.url()))

                #expect(error.code == .tooLarge)
            }
        )
    }

    @Test
    func garbageNeverBreaksTheClient() async throws {
        try await withBench(
            script: { request, peer in
                var generator = SeededGenerator(state: UInt64(request.connection))
                var text = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".utf8)
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    let place = Int.random(in: 0..<text.count, using: &generator)
                    text[place] = UInt8.random(in: 0...255, using: &generator)
                }
                let bytes = ByteBuffer(bytes: text.prefix(Int.random(in: 1...text.count, using: &generator)))
                let channel = peer.channel
                channel.writeAndFlush(bytes).whenComplete { _ in channel.close(promise: nil) }
            },
            test: { bench async throws in
                for _ in 0..<500 {
                    do { _ = try await bench.answer() } catch is UpstreamError {}
                }
            }
        )
    }
}
