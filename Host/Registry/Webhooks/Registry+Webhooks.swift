import HostCore
import HostDatabase

extension Registry: WebhookQueue {
    /// For so long a message is kept, whatever became of it.
    static let secondsToKeepWebhooks: Int64 = 30 * 86_400

    /// Takes messages that are due; taking one sets forward when it is due again, which keeps other hosts away from it.
    ///
    /// Looking for them when there are none writes nothing.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func takeDueWebhooks(
        limit: Int,
        limitPerReceiver: Int,
        except receivers: Set<String>
    ) async throws(RegistryError) -> [WebhookDelivery] {
        let due = try await inspect("looking for due webhooks") { [dialect] connection in
            try Self.dueWebhooks(limit, limitPerReceiver, except: receivers, dialect, in: connection)
        }
        guard !due.isEmpty else { return [] }
        return try await change("taking due webhooks") { [dialect, worker] connection in
            var sql = SQLText()
            let statement = """
                SELECT id FROM webhook_deliveries WHERE id IN (\(sql.bind(list: due)))
                    AND state = 'pending' AND due_at <= \(dialect.currentSeconds) \(dialect.freeRowLock)
                """
            let free = try connection.query(statement, sql.arguments).map { try $0.value("id") }
            guard !free.isEmpty else { return [] }
            var update = SQLText()
            let taking = """
                UPDATE webhook_deliveries SET worker = \(update.bind(.text(worker.text))), attempts = attempts + 1,
                    due_at = \(dialect.currentSeconds) + \(WebhookLease.time.components.seconds)
                WHERE id IN (\(update.bind(list: free))) RETURNING *
                """
            let taken = try connection.query(taking, update.arguments).map { try WebhookRows.delivery($0) }
            let places = Dictionary(uniqueKeysWithValues: due.enumerated().map { ($1, $0) })
            return taken.sorted { (places[.text($0.id)] ?? 0) < (places[.text($1.id)] ?? 0) }
        }
    }

    /// Notes what became of a message, unless it is in other hands by now.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func settle(_ delivery: WebhookDelivery, _ outcome: WebhookOutcome) async throws(RegistryError) {
        let now = clock.now()
        try await change("noting the outcome of a webhook") { [dialect, worker] connection in
            var sql = SQLText()
            let changes: String
            switch outcome {
            case .delivered:
                changes = "state = '\(WebhookRows.State.delivered.rawValue)', last_error = NULL"
            case .retry(let pause, let reason):
                let seconds = sql.bind(.integer(max(0, pause.components.seconds)))
                let error = sql.bind(WebhookRows.stored(reason))
                changes = "due_at = \(dialect.currentSeconds) + \(seconds), last_error = \(error)"
            case .givenUp(let reason):
                let error = sql.bind(WebhookRows.stored(reason))
                changes = "state = '\(WebhookRows.State.failed.rawValue)', last_error = \(error)"
            case .returned:
                changes = "due_at = 0, attempts = attempts - 1"
            }
            let statement = """
                UPDATE webhook_deliveries SET worker = NULL, \(changes),
                    updated_at = \(sql.bind(.integer(now.secondsSince1970)))
                WHERE id = \(sql.bind(.text(delivery.id))) AND state = 'pending'
                    AND worker = \(sql.bind(.text(worker.text)))
                    AND attempts = \(sql.bind(.integer(Int64(delivery.attempt))))
                """
            try connection.execute(statement, sql.arguments)
        }
    }

    /// The ids of messages that can be taken.
    private static func dueWebhooks(
        _ limit: Int,
        _ limitPerReceiver: Int,
        except receivers: Set<String>,
        _ dialect: SQLDialect,
        in connection: any DatabaseConnection
    ) throws -> [DatabaseValue] {
        var sql = SQLText()
        var condition = "state = 'pending' AND due_at <= \(dialect.currentSeconds)"
        if !receivers.isEmpty {
            condition += " AND receiver NOT IN (\(sql.bind(list: receivers.sorted().map { .text($0) })))"
        }
        // A receiver with many messages that it does not take must not keep the others waiting.
        let statement = """
            SELECT id FROM (
                SELECT id, due_at, ROW_NUMBER() OVER (PARTITION BY receiver ORDER BY due_at ASC, id ASC) AS place
                FROM webhook_deliveries WHERE \(condition)
            ) AS due
            WHERE place <= \(sql.bind(.integer(Int64(limitPerReceiver))))
            ORDER BY due_at ASC, place ASC, id ASC LIMIT \(sql.bind(.integer(Int64(limit))))
            """
        return try connection.query(statement, sql.arguments).map { try $0.value("id") }
    }
}
