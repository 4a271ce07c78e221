import HostUpstream
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ConnectionReuseTests {
    @Test
    func requestsShareAConnectionOneAfterTheOther() async throws {
        try await withBench(
            script: { request, peer in peer.answer(body: "\(request.connection).\(request.number)") },
            test: { bench async throws in
                for number in 0..<20 { #expect(try await bench.answer().body == "0.\(number)") }

                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func theConnectionUsedLastIsUsedNext() async throws {
        try await withBench(
            script: { request, peer in peer.answer(body: "\(request.connection)") },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                let answers = try await bench.loop.submit { [bench.start(request), bench.start(request)] }.get()
                let first = try await answers[0].get().body
                let second = try await answers[1].get().body

                #expect(first != second)
                let next = try await bench.answer().body
                for _ in 0..<5 { #expect(try await bench.answer().body == next) }
            }
        )
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
    ])
    func aConnectionThatItsPeerWillCloseIsNotUsedAgain(text: String) async throws {
        try await withBench(
            script: { _, peer in peer.send(text) },
            test: { bench async throws in
                #expect(try await bench.answer().body == "x")
                #expect(try await bench.answer().body == "x")

                #expect(bench.server.accepted.value == 2)
                await bench.server.closed.waits(for: 2)
            }
        )
    }

    @Test
    func oldServersMayKeepTheConnection() async throws {
        try await withBench(
            script: { _, peer in peer.send("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx") },
            test: { bench async throws in
                for _ in 0..<3 { #expect(try await bench.answer().body == "x") }

                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func anIdleConnectionIsClosedAfterItsTime() async throws {
        try await withBench(
            configure: { $0.idleLifetime = .milliseconds(30) },
            script: { _, peer in peer.answer() },
            test: { bench async throws in
                _ = try await bench.answer()

                await bench.server.closed.waits(for: 1)
                _ = try await bench.answer()
                #expect(bench.server.accepted.value == 2)
            }
        )
    }

    @Test
    func noMoreIdleConnectionsAreKeptThanAllowed() async throws {
        try await withBench(
            configure: { $0.maximumIdleConnections = 1 },
            script: { _, peer in peer.answer() },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url())
                let answers = (0..<3).map { _ in bench.start(request) }
                for answer in answers { _ = try await answer.get() }

                await bench.server.closed.waits(for: bench.server.accepted.value - 1)
                #expect(bench.server.closed.value == bench.server.accepted.value - 1)
            }
        )
    }

    @Test
    func bytesAfterAnAnswerAreNeverTheNextAnswer() async throws {
        try await withBench(
            script: { request, peer in
                guard request.number == 0, request.connection == 0 else { return peer.answer(body: "own") }
                let poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none" + poison)
            },
            test: { bench async throws in
                let promise = bench.loop.makePromise(of: Answer.self)
                let first = bench.start(try UpstreamRequest(method: "GET", url: try bench.url()))
                let second = try UpstreamRequest(method: "GET", url: try bench.url("/2"))
                first.whenComplete { _ in promise.completeWith(bench.start(second)) }

                #expect(try await first.get().body == "one")
                #expect(try await promise.futureResult.get().body == "own")
                #expect(bench.server.accepted.value == 2)
            }
        )
    }
}
