import HostCore
import HostDatabase

/// Uploads in parts as they stand in the tables.
enum UploadRows {
    /// Reads a row of `uploads`.
    static func session(_ row: DatabaseRow, isLeft: Bool = false) throws -> UploadSession {
        guard let purpose = FilePurpose(rawValue: try row.text("purpose")) else {
            throw RegistryError.unreadable("purpose")
        }
        guard let status = UploadStatus(rawValue: try row.text("status")) else {
            throw RegistryError.unreadable("status")
        }
        return UploadSession(
            id: ObjectID(.upload, uuid: try row.uuid("id")),
            owner: try FileRows.owner(row),
            teamID: try row.textIfPresent("team_id").map { TeamID($0) },
            terms: UploadTerms(
                purpose: purpose,
                filename: try row.text("filename"),
                mimeType: try row.text("mime_type"),
                sizeInBytes: try row.integer("size_in_bytes"),
                targetNames: try JSONText.decode(row.text("target_names"), column: "target names"),
                expiresAfterSeconds: try row.integerIfPresent("expires_after")
            ),
            createdAt: UnixTime(secondsSince1970: try row.integer("created_at")),
            expiresAt: UnixTime(secondsSince1970: try row.integer("expires_at")),
            status: isLeft ? .pending : status,
            fileID: try row.value("file_id") == .null ? nil : try row.fileID("file_id")
        )
    }

    /// Reads a row of `upload_parts`.
    static func part(_ row: DatabaseRow) throws -> UploadPart {
        UploadPart(
            id: ObjectID(.part, uuid: try row.uuid("id")),
            sizeInBytes: try row.integer("size_in_bytes"),
            sha256: try row.text("sha256"),
            host: try row.text("host"),
            createdAt: UnixTime(secondsSince1970: try row.integer("created_at"))
        )
    }

    /// Every part of an upload; there are no more than an upload may have.
    static func parts(of upload: ObjectID, in connection: any DatabaseConnection) throws -> [UploadPart] {
        try connection.query("SELECT * FROM upload_parts WHERE upload_id = $1", [upload.stored]).map(part)
    }

    /// Notes that an upload is over, and forgets its parts.
    static func end(
        _ upload: RecordUUID,
        as status: UploadStatus,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws {
        let id = DatabaseValue.blob(upload.bytes)
        try connection.execute(
            """
            UPDATE uploads SET status = $1, worker = NULL, received_bytes = 0, part_count = 0, updated_at = $2
            WHERE id = $3
            """,
            [.text(status.rawValue), .integer(now.secondsSince1970), id]
        )
        try connection.execute("DELETE FROM upload_parts WHERE upload_id = $1", [id])
    }

    /// Drops uploads that have been over for long.
    static func dropOver(before moment: UnixTime, limit: Int64, in connection: any DatabaseConnection) throws {
        try connection.execute(
            """
            DELETE FROM uploads WHERE id IN (
                SELECT id FROM uploads WHERE status IN ('completed', 'cancelled', 'expired') AND updated_at < $1
                ORDER BY updated_at ASC LIMIT $2
            )
            """,
            [.integer(moment.secondsSince1970), .integer(limit)]
        )
    }
}
