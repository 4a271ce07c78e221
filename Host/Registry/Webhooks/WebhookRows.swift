import Foundation
import HostCore
import HostDatabase

/// Messages about objects that have ended, as they stand in the table.
enum WebhookRows {
    /// What has become of a message.
    enum State: String {
        case pending
        case delivered
        case failed
    }

    /// OpenAI's body of an event.
    private struct Body: Encodable {
        struct Subject: Encodable { let id: String }

        enum CodingKeys: String, CodingKey {
            case id, object, type, data
            case createdAt = "created_at"
        }

        let id: String
        let object = "event"
        let createdAt: Int64
        let type: String
        let data: Subject
    }

    private static let longestError = 300

    /// Adds a message; to be called inside the transaction in which the object ends.
    ///
    /// A second one about the same end of the same object changes nothing.
    ///
    /// - Parameters:
    ///   - event: What happened.
    ///   - now: When.
    ///   - connection: The transaction.
    /// - Throws: ``DatabaseError``.
    static func enqueue(_ event: WebhookEvent, at now: UnixTime, in connection: any DatabaseConnection) throws {
        let seconds = DatabaseValue.integer(now.secondsSince1970)
        let body = Body(
            id: "evt_" + randomText(),
            createdAt: now.secondsSince1970,
            type: event.kind.rawValue,
            data: Body.Subject(id: event.objectID)
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try connection.execute(
            """
            INSERT INTO webhook_deliveries (id, event_type, object_id, url, receiver, body, state, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (object_id, event_type) DO NOTHING
            """,
            [
                .text("msg_" + randomText()), .text(event.kind.rawValue), .text(event.objectID), .text(event.url),
                .text(event.receiver), .text(String(decoding: try encoder.encode(body), as: UTF8.self)),
                .text(State.pending.rawValue), seconds, seconds,
            ]
        )
    }

    /// 26 characters that nobody guesses.
    private static func randomText() -> String { Base32.encode(RecordUUID.random().bytes) }

    static func delivery(_ row: DatabaseRow) throws -> WebhookDelivery {
        WebhookDelivery(
            id: try row.text("id"),
            url: try row.text("url"),
            receiver: try row.text("receiver"),
            body: try row.text("body"),
            attempt: Int(try row.integer("attempts"))
        )
    }

    /// A reason as it is kept.
    static func stored(_ reason: String) -> DatabaseValue { .text(String(reason.prefix(longestError))) }
}
