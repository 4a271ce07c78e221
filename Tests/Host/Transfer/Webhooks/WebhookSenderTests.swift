import HostCore
import HostUpstream
import Logging
import NIOCore
import Synchronization
import Testing

@testable import HostTransfer

@Suite(.timeLimit(.minutes(1)))
struct WebhookSenderTests {
    private struct FixedClock: WallClock {
        func now() -> UnixTime { UnixTime(secondsSince1970: 1_700_000_000) }
    }

    /// Messages in memory; one that was taken is not given again.
    private final class MemoryQueue: WebhookQueue {
        private struct State {
            var waiting: [WebhookDelivery]
            var outcomes: [String: WebhookOutcome] = [:]
            var failuresLeft = 0
        }

        private let state: Mutex<State>
        private let changes: AsyncStream<Void>.Continuation
        private let rings: AsyncStream<Void>

        init(_ deliveries: [WebhookDelivery], failures: Int = 0) {
            state = Mutex(State(waiting: deliveries, failuresLeft: failures))
            (rings, changes) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        }

        func takeDueWebhooks(
            limit: Int,
            limitPerReceiver: Int,
            except receivers: Set<String>
        ) async throws -> [WebhookDelivery] {
            state.withLock { state in
                var taken: [WebhookDelivery] = []
                for delivery in state.waiting where taken.count < limit && !receivers.contains(delivery.receiver) {
                    guard taken.count(where: { $0.receiver == delivery.receiver }) < limitPerReceiver else { continue }
                    taken.append(delivery)
                }
                state.waiting.removeAll { taken.contains($0) }
                return taken
            }
        }

        func settle(_ delivery: WebhookDelivery, _ outcome: WebhookOutcome) async throws {
            try state.withLock { state in
                guard state.failuresLeft == 0 else {
                    state.failuresLeft -= 1
                    throw UpstreamError(.reset, "the store is away")
                }
                state.outcomes[delivery.id] = outcome
            }
            changes.yield()
        }

        /// What became of the messages, once there are so many of them.
        func outcomes(_ count: Int) async -> [String: WebhookOutcome] {
            for await _ in rings {
                let outcomes = state.withLock { $0.outcomes }
                if outcomes.count >= count { return outcomes }
            }
            return [:]
        }

        var outcomes: [String: WebhookOutcome] { state.withLock { $0.outcomes } }
    }

    /// A receiver that does what a test says.
    private final class Receiver: WebhookTransport {
        let requests = Mutex<[UpstreamRequest]>([])
        private let answer: @Sendable (UpstreamRequest) async throws -> WebhookAnswer

        init(_ answer: @escaping @Sendable (UpstreamRequest) async throws -> WebhookAnswer) { self.answer = answer }

        func post(_ request: UpstreamRequest) async throws -> WebhookAnswer {
            requests.withLock { $0.append(request) }
            return try await answer(request)
        }
    }

    private static let signer = WebhookSigner(keys: [[UInt8](repeating: 1, count: 32)])

    private static func delivery(_ number: Int, to host: String = "hooks.example", attempt: Int = 1) -> WebhookDelivery
    {
        WebhookDelivery(
            id: "msg_\(number)",
            url: "https://\(host)/secret-path?token=secret",
            receiver: "https://\(host)",
            body: #"{"type":"batch.completed"}"#,
            attempt: attempt
        )
    }

    private func run(
        _ queue: MemoryQueue,
        _ receiver: Receiver,
        logHandler: any LogHandler = SwiftLogNoOpLogHandler(),
        until enough: @escaping @Sendable () async -> Void
    ) async throws {
        let rules = try WebhookRules(
            defaultURL: nil,
            allowsHost: { _, host, _ in host.hasSuffix("example") },
            allowsInside: { _, _, _ in false },
            trustsProxy: { _, _, _ in false }
        )
        let sender = WebhookSender(
            queue: queue,
            rules: rules,
            signer: Self.signer,
            transport: receiver,
            clock: FixedClock(),
            userAgent: "Gantry/1",
            logger: Logger(label: "test") { _ in logHandler }
        )
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await sender.run() }
            await enough()
            group.cancelAll()
        }
    }

    private func outcome(_ status: Int, attempt: Int = 1, retryAfter: Duration? = nil) async throws -> WebhookOutcome? {
        let queue = MemoryQueue([Self.delivery(1, attempt: attempt)])
        let receiver = Receiver { _ in WebhookAnswer(status: status, retryAfter: retryAfter) }
        try await run(queue, receiver) { _ = await queue.outcomes(1) }
        return queue.outcomes["msg_1"]
    }

    @Test
    func aMessageIsSentOnceWithItsIDItsTimeAndItsSignature() async throws {
        let queue = MemoryQueue([Self.delivery(1)])
        let receiver = Receiver { _ in WebhookAnswer(status: 204) }

        try await run(queue, receiver) { _ = await queue.outcomes(1) }

        #expect(queue.outcomes == ["msg_1": .delivered])
        let requests = receiver.requests.withLock { $0 }
        let request = try #require(requests.first)
        #expect(requests.count == 1)
        #expect(request.head.method == "POST")
        #expect(!request.allowsRetry)
        #expect(request.totalTimeout == .seconds(15))
        let headers = Dictionary(uniqueKeysWithValues: request.head.headers.map { ($0.name, $0.value) })
        let body = #"{"type":"batch.completed"}"#
        #expect(
            headers == [
                "Content-Type": "application/json", "User-Agent": "Gantry/1", "webhook-id": "msg_1",
                "webhook-timestamp": "1700000000",
                "webhook-signature": Self.signer.signature(id: "msg_1", timestamp: 1_700_000_000, body: body),
            ]
        )
        #expect(request.bodySizeInBytes == body.utf8.count)
    }

    @Test(arguments: [200, 201, 202, 204, 299])
    func anyGoodStatusIsADelivery(status: Int) async throws {
        #expect(try await outcome(status) == .delivered)
    }

    @Test(arguments: [301, 302, 307, 308, 400, 401, 404, 429, 500, 503])
    func anyOtherStatusIsTriedAgainAndRedirectsAreNotFollowed(status: Int) async throws {
        guard case .retry(let pause, let reason) = try await outcome(status) else {
            Issue.record("not tried again")
            return
        }
        #expect(pause >= .milliseconds(4500) && pause <= .milliseconds(5500))
        #expect(reason == "HTTP \(status)")
    }

    @Test
    func aReceiverThatIsGoneIsNotAskedAgain() async throws {
        guard case .givenUp = try await outcome(410) else {
            Issue.record("not given up")
            return
        }
    }

    @Test
    func theLastAttemptIsTheLast() async throws {
        #expect(try await outcome(500, attempt: 8) == .givenUp(reason: "HTTP 500"))
    }

    @Test
    func aReceiverMayAskForPatience() async throws {
        #expect(try await outcome(503, retryAfter: .seconds(120)) == .retry(after: .seconds(120), reason: "HTTP 503"))
    }

    @Test
    func aReceiverThatDoesNotAnswerHoldsUpNobodyElse() async throws {
        let dead = (0..<50).map { Self.delivery($0, to: "dead.example") }
        let queue = MemoryQueue(dead + (50..<60).map { Self.delivery($0, to: "alive.example") })
        let receiver = Receiver { request in
            if request.url.host == "dead.example" { try await Task.sleep(for: .seconds(3600)) }
            return WebhookAnswer(status: 200)
        }

        try await run(queue, receiver) { _ = await queue.outcomes(10) }

        let delivered = queue.outcomes.filter { $0.value == .delivered }
        #expect(Set(delivered.keys) == Set((50..<60).map { "msg_\($0)" }))
        let asked = receiver.requests.withLock { $0.count { $0.url.host == "dead.example" } }
        #expect(asked <= 2)
    }

    @Test
    func whatIsUnderWayWhenTheHostStopsIsLeftToWhoeverComesNext() async throws {
        let queue = MemoryQueue([Self.delivery(1)])
        let (stream, begun) = AsyncStream<Void>.makeStream()
        let receiver = Receiver { _ in
            begun.yield()
            do { try await Task.sleep(for: .seconds(3600)) } catch {
                throw UpstreamError(.cancelled, "the gateway is shutting down")
            }
            return WebhookAnswer(status: 200)
        }

        try await run(queue, receiver) { for await _ in stream { break } }

        #expect(queue.outcomes == ["msg_1": .returned])
    }

    @Test
    func anOutcomeThatCannotBeNotedIsNotedLater() async throws {
        let queue = MemoryQueue([Self.delivery(1)], failures: 1)

        try await run(queue, Receiver { _ in WebhookAnswer(status: 200) }) { _ = await queue.outcomes(1) }

        #expect(queue.outcomes == ["msg_1": .delivered])
    }

    @Test
    func aURLThatIsNoLongerAllowedIsNotSentTo() async throws {
        let queue = MemoryQueue([Self.delivery(1, to: "hooks.other")])
        let receiver = Receiver { _ in WebhookAnswer(status: 200) }

        try await run(queue, receiver) { _ = await queue.outcomes(1) }

        #expect(receiver.requests.withLock { $0.isEmpty })
        guard case .retry = queue.outcomes["msg_1"] else {
            Issue.record("not kept for a configuration that allows it again")
            return
        }
    }

    @Test(arguments: [200, 500, 410])
    func theLogNamesHostAndIDAndNoPathAndNoSecret(status: Int) async throws {
        let queue = MemoryQueue([Self.delivery(1)])
        let log = LineLog()

        try await run(queue, Receiver { _ in WebhookAnswer(status: status) }, logHandler: log) {
            _ = await queue.outcomes(1)
        }

        let lines = log.lines.withLock { $0 }
        #expect(lines.contains { $0.contains("msg_1") && $0.contains("https://hooks.example") })
        #expect(!lines.contains { $0.contains("secret") || $0.contains("v1,") })
    }
}

/// Keeps what is logged.
private struct LineLog: LogHandler {
    final class Lines: Sendable {
        let list = Mutex<[String]>([])

        func withLock<Value: Sendable>(_ body: ([String]) -> Value) -> Value { list.withLock { body($0) } }
    }

    let lines = Lines()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let text = "\(event.message) \(event.metadata.map { "\($0)" } ?? "")"
        lines.list.withLock { $0.append(text) }
    }
}
