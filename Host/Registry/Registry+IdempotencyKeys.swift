import HostCore
import HostDatabase

/// What makes a repeated upload the same one: the client's `Idempotency-Key`, and what it was first used for.
package struct IdempotencyKey: Hashable, Sendable {
    package let text: String
    /// Stands for everything about the upload that a repeat has to have in common with it.
    package let fingerprint: String

    /// Makes a key.
    package init(text: String, fingerprint: String) {
        self.text = text
        self.fingerprint = fingerprint
    }
}

/// How an upload begins.
package enum FileBeginning: Hashable, Sendable {
    /// It is a new file, to be made now.
    case begun(ManagedFile)
    /// It is a repeat: this is the file of the first one.
    case made(ManagedFile)
    /// It is a repeat of an upload that is still under way.
    case underWay
}

extension Registry {
    /// For so long a repeated upload is known again.
    static let secondsToKeepIdempotencyKeys: Int64 = 86_400

    /// The file that was made, or is being made, with the same key; nil after taking the key for the new file.
    static func earlierFile(
        _ new: NewFile,
        _ key: IdempotencyKey,
        at now: UnixTime,
        _ rowLock: String,
        in connection: any DatabaseConnection
    ) throws -> FileBeginning? {
        // In PostgreSQL the insertion waits for another transaction that inserts the same key, and then sees its row.
        let taken = try connection.execute(
            """
            INSERT INTO upload_keys (owner_kind, owner_id, idempotency_key, fingerprint, file_id, created_at)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner_kind, owner_id, idempotency_key) DO NOTHING
            """,
            [
                new.owner.stored.kind, new.owner.stored.id, .text(key.text), .text(key.fingerprint), new.id.stored,
                .integer(now.secondsSince1970),
            ]
        )
        if taken == 1 { return nil }
        let place: [DatabaseValue] = [new.owner.stored.kind, new.owner.stored.id, .text(key.text)]
        let condition = "owner_kind = $1 AND owner_id = $2 AND idempotency_key = $3"
        let rows = try connection.query("SELECT * FROM upload_keys WHERE \(condition) \(rowLock)", place)
        // Whoever gave it up may have done so just now.
        guard let row = rows.first else { return try earlierFile(new, key, at: now, rowLock, in: connection) }
        let earlier = try FileRows.file(try row.fileID("file_id"), in: connection)
        if let earlier, earlier.status == .ready || earlier.status == .uploading, !earlier.hasExpired(by: now) {
            guard try row.text("fingerprint") == key.fingerprint else {
                throw RegistryError(
                    .conflict,
                    "This Idempotency-Key was used for another upload. Send a new key with a new file.",
                    parameter: "Idempotency-Key"
                )
            }
            return earlier.status == .ready ? .made(earlier) : .underWay
        }
        // The first one failed or has been deleted since: this one takes its place.
        try connection.execute("DELETE FROM upload_keys WHERE \(condition)", place)
        return try earlierFile(new, key, at: now, rowLock, in: connection)
    }
}
