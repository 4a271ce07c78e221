import HostUpstream
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// Names that strangers choose: what counts is the address that is connected to.
@Suite(.timeLimit(.minutes(1)))
struct AddressRuleTests {
    /// Gives each lookup of a name the next of some answers, the last one for ever.
    private final class Names: Sendable {
        private let answers: [[String]]
        let lookups = SharedCounter()

        init(_ answers: [String]...) { self.answers = answers }

        func next(_ port: Int) throws -> [SocketAddress] {
            let place = min(lookups.add(1), answers.count) - 1
            return try answers[place].map { try SocketAddress(ipAddress: $0, port: port) }
        }
    }

    private final class FixedResolver: Resolver, Sendable {
        private let names: Names
        private let loop: any EventLoop

        init(_ names: Names, loop: any EventLoop) {
            self.names = names
            self.loop = loop
        }

        func initiateAQuery(host _: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
            loop.makeCompletedFuture { try names.next(port) }
        }

        func initiateAAAAQuery(host _: String, port _: Int) -> EventLoopFuture<[SocketAddress]> {
            loop.makeSucceededFuture([])
        }

        func cancelQueries() {}
    }

    private static let strict = AddressRule(allowsInside: { _ in false }, trustsProxy: { _ in false })

    private func withNames(
        _ names: Names,
        rule: AddressRule = strict,
        configure: @escaping (inout UpstreamConfiguration) -> Void = { _ in },
        test: (Bench) async throws -> Void
    ) async throws {
        try await withBench(
            configure: {
                $0.makeResolver = { FixedResolver(names, loop: $0) }
                $0.addressRule = rule
                configure(&$0)
            },
            script: { _, peer in peer.answer() },
            test: test
        )
    }

    private func request(_ bench: Bench, host: String = "receiver.test.invalid") throws -> UpstreamRequest {
        try UpstreamRequest(method: "POST", url: try bench.url(host: host), allowsRetry: false)
    }

    @Test
    func aNameOfAPrivateAddressIsRefusedAndNobodyIsConnectedTo() async throws {
        try await withNames(Names(["127.0.0.1"])) { bench async throws in
            let error = try await bench.failure(of: try request(bench))

            #expect(error.code == .denied)
            #expect(!error.wasSent)
            #expect(bench.server.accepted.value == 0)
        }
    }

    @Test
    func everyAddressOfANameIsJudged() async throws {
        let names = Names(["169.254.169.254", "10.0.0.1", "127.0.0.1", "127.0.0.2"])
        try await withNames(names) { bench async throws in
            #expect(try await bench.failure(of: try request(bench)).code == .denied)
            #expect(bench.server.accepted.value == 0)
        }
    }

    @Test
    func whatANameMeantBeforeDoesNotHelpIt() async throws {
        // Allowed for this test alone, 127.0.0.1 plays the public address that the name had at first.
        let wasPublic = Atomic(true)
        let rule = AddressRule(
            allowsInside: { _ in wasPublic.load(ordering: .relaxed) },
            trustsProxy: { _ in wasPublic.load(ordering: .relaxed) }
        )
        try await withNames(Names(["127.0.0.1"]), rule: rule) { bench async throws in
            #expect(try await bench.answer(to: try request(bench)).status == 200)
            wasPublic.store(false, ordering: .relaxed)

            #expect(try await bench.failure(of: try request(bench)).code == .denied)
            #expect(bench.server.accepted.value == 1)
        }
    }

    @Test
    func aNameThatIsBoundAnewAfterItWasLookedUpIsJudgedByItsNewAddress() async throws {
        // 192.0.2.1 leads nowhere, so the first request fails as well, but by another address.
        let names = Names(["192.0.2.1"], ["127.0.0.1"])
        try await withNames(names) { bench async throws in
            for _ in 0..<2 { #expect(try await bench.failure(of: try request(bench)).code == .denied) }

            #expect(names.lookups.value == 2)
            #expect(bench.server.accepted.value == 0)
        }
    }

    @Test
    func anAddressInTheURLIsJudgedAsWell() async throws {
        try await withNames(Names([])) { bench async throws in
            for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0"] {
                #expect(try await bench.failure(of: try request(bench, host: host)).code == .denied, "\(host)")
            }
            #expect(bench.server.accepted.value == 0)
        }
    }

    @Test
    func anEndpointThatMayLieInsideIsReached() async throws {
        let rule = AddressRule(
            allowsInside: { $0.host == "receiver.test.invalid" },
            trustsProxy: { $0.host == "receiver.test.invalid" }
        )
        try await withNames(Names(["169.254.169.254", "127.0.0.1"]), rule: rule) { bench async throws in
            #expect(try await bench.answer(to: try request(bench)).status == 200)
            #expect(try await bench.failure(of: try request(bench, host: "other.test.invalid")).code == .denied)
        }
    }

    @Test
    func whatLeadsNowhereIsRefusedEvenWhereAnythingInsideIsAllowed() async throws {
        try await withNames(
            Names(["0.0.0.0"]),
            rule: AddressRule(allowsInside: { _ in true }, trustsProxy: { _ in true })
        ) { bench async throws in
            #expect(try await bench.failure(of: try request(bench)).code == .denied)
            #expect(bench.server.accepted.value == 0)
        }
    }

    @Test
    func onlyWhatMayLieInsideGoesThroughAProxyThatResolvesNamesItself() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let target = try await ScriptedServer(group: group) { _, peer in peer.answer() }
        let proxy = try await TestProxy(group: group, target: target.port)
        let way = try UpstreamProxy(parsing: "http://127.0.0.1:\(proxy.port)")
        let rule = AddressRule(
            allowsInside: { $0.host == "inside.test.invalid" },
            trustsProxy: { $0.host == "inside.test.invalid" }
        )
        try await withNames(
            Names(["127.0.0.1"]),
            rule: rule,
            configure: { $0.proxies = UpstreamProxies(http: way, https: way) },
            test: { bench async throws in
                #expect(try await bench.failure(of: try request(bench)).code == .denied)
                #expect(target.accepted.value == 0)
                #expect(try await bench.answer(to: try request(bench, host: "inside.test.invalid")).status == 200)
                #expect(target.accepted.value == 1)
            }
        )
        try await proxy.stop()
        try await target.stop()
    }

    @Test
    func namesAreResolvedOnThreadsOfTheirOwn() async throws {
        try await withBench(
            configure: {
                $0.makeResolver = { ThreadPoolResolver(loop: $0) }
                $0.addressRule = AddressRule(
                    allowsInside: { $0.host == "localhost" },
                    trustsProxy: { $0.host == "localhost" }
                )
            },
            script: { _, peer in peer.answer() },
            test: { bench async throws in
                #expect(try await bench.answer(to: try request(bench, host: "localhost")).status == 200)
                let error = try await bench.failure(of: try request(bench))
                #expect(error.code == .dns)
            }
        )
    }
}
