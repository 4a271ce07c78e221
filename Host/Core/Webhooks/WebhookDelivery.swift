/// A message that is to be delivered now, in the hands of one host for a while.
package struct WebhookDelivery: Hashable, Sendable {
    /// The `webhook-id`: the same for every attempt, so that a receiver knows what it has already.
    package let id: String
    package let url: String
    /// Scheme, host and port of the URL; the part of it that may be shown.
    package let receiver: String
    /// The JSON that is signed and sent, to the byte.
    package let body: String
    /// Counted from 1.
    package let attempt: Int

    /// Makes a delivery.
    package init(id: String, url: String, receiver: String, body: String, attempt: Int) {
        self.id = id
        self.url = url
        self.receiver = receiver
        self.body = body
        self.attempt = attempt
    }
}

/// What became of an attempt to deliver a message.
package enum WebhookOutcome: Hashable, Sendable {
    /// The receiver has it.
    case delivered
    /// It is tried again; the reason holds no part of the URL but the host.
    case retry(after: Duration, reason: String)
    /// It is never tried again.
    case givenUp(reason: String)
    /// It was not tried, or nobody waited for the answer: whoever comes next may try at once.
    case returned
}

/// The messages that have to be delivered: shared by all hosts, each in one's hands at a time.
package protocol WebhookQueue: Sendable {
    /// Takes messages that are due. From now on they are this host's for ``WebhookLease/time``.
    ///
    /// - Parameters:
    ///   - limit: How many at most.
    ///   - limitPerReceiver: How many at most that go to the same one.
    ///   - receivers: Those that get none now.
    /// - Returns: The messages, those first that have been due for longest.
    /// - Throws: What the store throws when it cannot be used.
    func takeDueWebhooks(
        limit: Int,
        limitPerReceiver: Int,
        except receivers: Set<String>
    ) async throws -> [WebhookDelivery]
    /// Notes what became of a message, unless it is in other hands by now.
    func settle(_ delivery: WebhookDelivery, _ outcome: WebhookOutcome) async throws
}

/// For how long a message is one host's.
package enum WebhookLease {
    /// Longer than an attempt with all that belongs to it.
    package static let time: Duration = .seconds(60)
}
