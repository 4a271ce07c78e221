import HostUpstream
import NIOCore
import NIOPosix
import Testing

/// RFC 8305: a name with several addresses, of which some are dead.
@Suite(.timeLimit(.minutes(1)))
struct AddressChoiceTests {
    /// Answers what a test says; a family without an answer is never answered.
    private final class FixedResolver: Resolver, Sendable {
        private let v4: [String]?
        private let v6: [String]?
        private let unanswered: EventLoopPromise<[SocketAddress]>
        private let loop: any EventLoop

        init(loop: any EventLoop, v4: [String]?, v6: [String]?) {
            self.loop = loop
            self.v4 = v4
            self.v6 = v6
            unanswered = loop.makePromise()
            if v4 != nil, v6 != nil { unanswered.succeed([]) }
        }

        func initiateAQuery(host _: String, port: Int) -> EventLoopFuture<[SocketAddress]> { answer(v4, port) }
        func initiateAAAAQuery(host _: String, port: Int) -> EventLoopFuture<[SocketAddress]> { answer(v6, port) }
        func cancelQueries() { unanswered.succeed([]) }

        private func answer(_ addresses: [String]?, _ port: Int) -> EventLoopFuture<[SocketAddress]> {
            guard let addresses else { return unanswered.futureResult }
            return loop.makeCompletedFuture {
                try addresses.map { try SocketAddress(ipAddress: $0, port: port) }
            }
        }
    }

    /// How long the first answer takes from a server on 127.0.0.1.
    private func timeToAnswer(
        v4: [String],
        v6: [String]?,
        dead: String?
    ) async throws -> Duration {
        let clock = ContinuousClock()
        var elapsed: Duration?
        try await withBench(
            configure: { $0.makeResolver = { FixedResolver(loop: $0, v4: v4, v6: v6) } },
            script: { _, peer in peer.answer() },
            test: { bench async throws in
                let listener = try dead.map { try DeadListener(address: $0, port: bench.server.port) }
                let request = try UpstreamRequest(method: "GET", url: try bench.url(host: "provider.test.invalid"))
                let start = clock.now
                #expect(try await bench.answer(to: request).status == 200)
                elapsed = clock.now - start
                withExtendedLifetime(listener) {}
            }
        )
        return try #require(elapsed)
    }

    @Test(arguments: [(["127.0.0.2", "127.0.0.1"], [String](), "127.0.0.2"), (["127.0.0.1"], ["::1"], "::1")])
    func aDeadAddressCostsTheDelayBetweenTwoAttemptsAndNoMore(v4: [String], v6: [String], dead: String) async throws {
        let elapsed = try await timeToAnswer(v4: v4, v6: v6, dead: dead)

        // The next address is tried after 250 ms; the time-out of the dead one would be 10 s.
        #expect(elapsed >= .milliseconds(240))
        #expect(elapsed < .seconds(8))
    }

    @Test
    func aResolverThatOwesOneFamilyDoesNotHoldUpTheOther() async throws {
        let elapsed = try await timeToAnswer(v4: ["127.0.0.1"], v6: nil, dead: nil)

        // RFC 8305 §3: 50 ms are waited for the preferred family.
        #expect(elapsed >= .milliseconds(40))
        #expect(elapsed < .seconds(8))
    }
}
