import HostUpstream
import NIOCore
import NIOPosix
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ConnectionLimitTests {
    @Test
    func requestsBeyondTheQueueAreRefusedAtOnceAndTheOthersServedInOrder() async throws {
        let order = SharedList()
        try await withBench(
            configure: {
                $0.maximumConnections = 1
                $0.maximumWaiting = 2
            },
            script: { request, peer in
                order.append(String(buffer: request.body))
                peer.answer(body: String(buffer: request.body))
            },
            test: { bench async throws in
                let requests = try (0..<4).map { try post(try bench.url(), "\($0)") }
                // All in one turn of the loop, so that none is answered before the last is sent.
                let answers = try await bench.loop.submit { requests.map { bench.start($0) } }.get()

                let error = try await bench.failure(of: answers[3])
                #expect(error.code == .overloaded)
                #expect(!error.wasSent)
                for number in 0..<3 { #expect(try await answers[number].get().body == "\(number)") }
                #expect(order.all == ["0", "1", "2"])
                #expect(bench.server.accepted.value == 1)
            }
        )
    }

    @Test
    func waitingForAConnectionHasADeadline() async throws {
        try await withBench(
            configure: {
                $0.maximumConnections = 1
                $0.waitTimeout = .milliseconds(50)
            },
            script: { request, peer in if request.number > 0 { peer.answer() } },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url(), totalTimeout: .milliseconds(300))
                let answers = try await bench.loop.submit { [bench.start(request), bench.start(request)] }.get()

                let waiting = try await bench.failure(of: answers[1])
                #expect(waiting.code == .timeout)
                #expect(!waiting.wasSent)
                let running = try await bench.failure(of: answers[0])
                #expect(running.code == .timeout)
                #expect(running.wasSent)
            }
        )
    }

    @Test
    func manyRequestsAtOnceAreAllServed() async throws {
        try await withBench(
            configure: { $0.maximumConnections = 8 },
            script: { request, peer in peer.answer(body: String(buffer: request.body)) },
            test: { bench async throws in
                let answers = try (0..<500).map { bench.start(try post(try bench.url(), "\($0)")) }

                for (number, answer) in answers.enumerated() { #expect(try await answer.get().body == "\(number)") }
                #expect(bench.server.accepted.value <= 8)
            }
        )
    }

    @Test
    func everyRequestToAClosedPortFails() async throws {
        try await withBench(
            script: { _, _ in },
            test: { bench async throws in
                let closed = try await ScriptedServer(group: MultiThreadedEventLoopGroup.singleton) { _, _ in }
                try await closed.stop()
                let url = try UpstreamURL(parsing: "http://127.0.0.1:\(closed.port)/")
                let request = try UpstreamRequest(method: "GET", url: url)
                let answers = (0..<600).map { _ in bench.start(request) }

                for answer in answers {
                    let error = try await bench.failure(of: answer)
                    #expect(error.code == .connect)
                    #expect(!error.wasSent)
                }
            }
        )
    }

    @Test
    func aNameIsResolvedAndEveryAddressTried() async throws {
        try await withBench(
            script: { request, peer in peer.answer(body: "\(request.head.contains("Host: localhost:"))") },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url(host: "localhost"))

                #expect(try await bench.answer(to: request).body == "true")
            }
        )
    }

    @Test
    func aNameWithoutAnAddressIsReportedAsSuch() async throws {
        try await withBench(
            script: { _, _ in },
            test: { bench async throws in
                let request = try UpstreamRequest(method: "GET", url: try bench.url(host: "missing.invalid"))
                let error = try await bench.failure(of: request)

                #expect(error.code == .dns)
            }
        )
    }
}
