import HostCore
import HostUpstream
import Logging
import NIOCore
import Synchronization

/// Delivers the messages about objects that have ended.
///
/// Any number of hosts may send: each message is in the hands of one of them.
package final class WebhookSender: Sendable {
    /// Receivers that do not answer hold up the others only when there are many of them.
    private static let mostAtOnce = 64
    private static let mostPerReceiver = 2
    private static let timeBetweenLooks: Duration = .seconds(2)
    private static let longestAttempt: Duration = .seconds(15)
    /// After that an attempt might not end before the lease does.
    private static let longestWait: Duration = WebhookLease.time - .seconds(30)
    /// Before the registry is told what became of a message; if it never hears of it, the message is sent once more.
    private static let pausesBeforeNoting: [Duration] = [.zero, .seconds(1), .seconds(4), .seconds(10)]

    private let queue: any WebhookQueue
    private let rules: WebhookRules
    private let signer: WebhookSigner
    private let transport: any WebhookTransport
    private let clock: any WallClock
    private let userAgent: String
    private let logger: Logger
    private let bell = Bell()
    /// How many messages are on their way to each receiver.
    private let underWay = Mutex<[String: Int]>([:])

    /// Makes a sender.
    ///
    /// - Parameters:
    ///   - queue: Where the messages are.
    ///   - rules: Judge every URL again: the configuration may have changed since the object was made.
    ///   - signer: Has the keys.
    ///   - transport: The way to receivers.
    ///   - clock: Stamps every attempt.
    ///   - userAgent: Says who sends.
    ///   - logger: For a line an attempt, with host and id; never with a path, which may hold a token.
    package init(
        queue: any WebhookQueue,
        rules: WebhookRules,
        signer: WebhookSigner,
        transport: any WebhookTransport,
        clock: any WallClock = SystemWallClock(),
        userAgent: String,
        logger: Logger
    ) {
        self.queue = queue
        self.rules = rules
        self.signer = signer
        self.transport = transport
        self.clock = clock
        self.userAgent = userAgent
        self.logger = logger
    }

    /// Has it look for messages now.
    package func ring() { bell.ring() }

    /// Sends until the calling task is cancelled; may be called once.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [bell] in await bell.ring(every: Self.timeBetweenLooks) }
            var isHeard = true
            for await _ in bell.rings {
                do {
                    try await takeDue(into: &group)
                    isHeard = true
                } catch {
                    if isHeard { logger.warning("webhooks could not be looked for", metadata: ["error": "\(error)"]) }
                    isHeard = false
                }
            }
            group.cancelAll()
        }
    }

    private func takeDue(into group: inout DiscardingTaskGroup) async throws {
        let busy = underWay.withLock { $0 }
        let free = Self.mostAtOnce - busy.values.reduce(0, +)
        guard free > 0, !Task.isCancelled else { return }
        let deliveries = try await queue.takeDueWebhooks(
            limit: free,
            limitPerReceiver: Self.mostPerReceiver,
            except: Set(busy.keys)
        )
        let takenAt = ContinuousClock.now
        for delivery in deliveries {
            underWay.withLock { $0[delivery.receiver, default: 0] += 1 }
            group.addTask {
                await self.deliver(delivery, takenAt: takenAt)
                self.underWay.withLock { underWay in
                    guard let count = underWay[delivery.receiver] else { return }
                    underWay[delivery.receiver] = count > 1 ? count - 1 : nil
                }
                self.ring()
            }
        }
    }

    // MARK: One message

    private func deliver(_ delivery: WebhookDelivery, takenAt: ContinuousClock.Instant) async {
        // A process that stood still may have lost the message to another host.
        let isOurs = takenAt.duration(to: .now) < Self.longestWait
        let outcome = isOurs ? await attempt(delivery) : .returned
        note(outcome, delivery)
        for pause in Self.pausesBeforeNoting {
            do {
                if pause > .zero { try await Task.sleep(for: pause) }
                return try await queue.settle(delivery, outcome)
            } catch is CancellationError {
                return
            } catch {
                logger.warning(
                    "the outcome of a webhook could not be noted",
                    metadata: ["webhook.id": "\(delivery.id)", "error": "\(error)"]
                )
            }
        }
    }

    private func attempt(_ delivery: WebhookDelivery) async -> WebhookOutcome {
        guard !Task.isCancelled else { return .returned }
        do {
            let answer = try await transport.post(try request(delivery))
            switch answer.status {
            case 200..<300: return .delivered
            case 410: return .givenUp(reason: "HTTP 410: the receiver wants no more")
            default: return failure("HTTP \(answer.status)", delivery, wish: answer.retryAfter)
            }
        } catch let error as UpstreamError {
            return error.code == .cancelled ? .returned : failure(error.description, delivery)
        } catch let error as RuleError {
            return failure(error.description, delivery)
        } catch {
            return failure("the request could not be sent", delivery)
        }
    }

    private func failure(_ reason: String, _ delivery: WebhookDelivery, wish: Duration? = nil) -> WebhookOutcome {
        let pause = WebhookBackoff.pause(after: delivery.attempt, wish: wish, chance: .random(in: 0...1))
        return pause.map { .retry(after: $0, reason: reason) } ?? .givenUp(reason: reason)
    }

    private func request(_ delivery: WebhookDelivery) throws -> UpstreamRequest {
        let timestamp = clock.now().secondsSince1970
        return try UpstreamRequest(
            method: "POST",
            url: try rules.url(delivery.url),
            headers: [
                ("Content-Type", "application/json"), ("User-Agent", userAgent), ("webhook-id", delivery.id),
                ("webhook-timestamp", String(timestamp)),
                ("webhook-signature", signer.signature(id: delivery.id, timestamp: timestamp, body: delivery.body)),
            ],
            body: [.bytes(ByteBuffer(string: delivery.body))],
            // Every repetition is an attempt of its own, with its own time.
            allowsRetry: false,
            totalTimeout: TimeAmount(Self.longestAttempt)
        )
    }

    private func note(_ outcome: WebhookOutcome, _ delivery: WebhookDelivery) {
        var metadata: Logger.Metadata = [
            "webhook.id": "\(delivery.id)", "webhook.receiver": "\(delivery.receiver)",
            "webhook.attempt": "\(delivery.attempt)",
        ]
        switch outcome {
        case .delivered:
            logger.info("webhook delivered", metadata: metadata)
        case .retry(let pause, let reason):
            metadata["error"] = "\(reason)"
            metadata["webhook.retry_in_seconds"] = "\(pause.components.seconds)"
            logger.warning("webhook could not be delivered yet", metadata: metadata)
        case .givenUp(let reason):
            metadata["error"] = "\(reason)"
            logger.warning("webhook given up", metadata: metadata)
        case .returned:
            logger.debug("webhook left to whoever comes next", metadata: metadata)
        }
    }
}
