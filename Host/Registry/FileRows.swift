import HostCore
import HostDatabase

/// Files and copies as they stand in the tables.
enum FileRows {
    /// A deleted file keeps its place for a day, so that whoever deletes while listing can go on from it.
    static let deletedStatus = "deleted"
    /// What becomes of a copy's state when it has to go: one that was never completed may still come into being.
    static let stateOfUnwanted = "CASE WHEN state IN ('pending', 'failed') THEN 'failed' ELSE 'deleting' END"

    /// What a record of a file is read from.
    static let columns = """
        files.id, files.created_us, files.owner_kind, files.owner_id, files.team_id, files.purpose, files.filename,
        files.mime_type, files.size_in_bytes, files.sha256, files.target_names, files.status, files.expires_at
        """

    static let copyColumns = """
        c.deployment_id, c.provider_id, c.state AS copy_state, c.expires_at AS copy_expires_at, c.begun_at,
        c.updated_at AS copy_updated_at
        """

    /// Selects files with their copies: one row for each copy, one for a file without.
    ///
    /// - Parameters:
    ///   - source: A table or a subquery with the columns of `files`.
    ///   - condition: What stands behind `WHERE`.
    ///   - order: How files are ordered, `ASC` or `DESC` by the time of their creation.
    /// - Returns: The statement.
    static func select(from source: String, where condition: String = "1 = 1", order: String = "ASC") -> String {
        """
        SELECT f.*, \(copyColumns) FROM \(source) AS f LEFT JOIN file_copies AS c ON c.file_id = f.id
        WHERE \(condition) ORDER BY f.created_us \(order), f.id \(order), c.place ASC
        """
    }

    /// Reads the rows of such a statement; deleted files are left out.
    static func files(_ rows: [DatabaseRow]) throws -> [ManagedFile] {
        var files: [ManagedFile] = []
        var start = 0
        while start < rows.count {
            let id = try rows[start].blob("id")
            var end = start + 1
            while end < rows.count, try rows[end].blob("id") == id { end += 1 }
            if try rows[start].text("status") != deletedStatus {
                files.append(try file(rows[start], copies: rows[start..<end].compactMap(copy)))
            }
            start = end
        }
        return files
    }

    /// Finds one file, unless it has been deleted.
    static func file(_ id: FileID, in connection: any DatabaseConnection) throws -> ManagedFile? {
        try files(connection.query(select(from: "files", where: "f.id = $1"), [id.stored])).first
    }

    /// Finds several files in one query; those that do not exist or have been deleted are left out.
    static func files(_ ids: [FileID], in connection: any DatabaseConnection) throws -> [ManagedFile] {
        var sql = SQLText()
        let statement = select(from: "files", where: "f.id IN (\(sql.bind(list: ids.map(\.stored))))")
        return try files(connection.query(statement, sql.arguments))
    }

    /// Reads a row of `files`.
    static func file(_ row: DatabaseRow, copies: [FileCopy]) throws -> ManagedFile {
        guard let uuid = RecordUUID(bytes: try row.blob("id")) else { throw RegistryError.unreadable("id") }
        guard let purpose = FilePurpose(rawValue: try row.text("purpose")) else {
            throw RegistryError.unreadable("purpose")
        }
        let status = try row.text("status")
        guard let status = status == deletedStatus ? .deleting : FileStatus(rawValue: status) else {
            throw RegistryError.unreadable("status")
        }
        return ManagedFile(
            id: FileID(uuid: uuid),
            owner: try owner(row),
            teamID: try row.textIfPresent("team_id").map { TeamID($0) },
            purpose: purpose,
            filename: try row.text("filename"),
            mimeType: try row.text("mime_type"),
            sizeInBytes: try row.integerIfPresent("size_in_bytes") ?? 0,
            sha256: try row.textIfPresent("sha256"),
            createdAt: UnixTime(secondsSince1970: try row.integer("created_us") / 1_000_000),
            expiresAt: try row.time("expires_at"),
            status: status,
            targetNames: try JSONText.decode(row.text("target_names"), column: "target names"),
            copies: copies
        )
    }

    static func owner(_ row: DatabaseRow) throws -> Owner {
        let id = try row.text("owner_id")
        switch try row.text("owner_kind") {
        case Owner.userKind: return .user(UserID(id))
        case Owner.teamKind: return .team(TeamID(id))
        case Owner.keyKind: return .key(KeyID(id))
        default: throw RegistryError.unreadable("owner")
        }
    }

    private static func copy(_ row: DatabaseRow) throws -> FileCopy? {
        guard let deployment = try row.textIfPresent("deployment_id") else { return nil }
        guard let state = CopyState(rawValue: try row.text("copy_state")) else {
            throw RegistryError.unreadable("state")
        }
        return FileCopy(
            deployment: DeploymentID(deployment),
            providerID: try row.textIfPresent("provider_id"),
            state: state,
            expiresAt: try row.time("copy_expires_at"),
            begunAt: UnixTime(secondsSince1970: try row.integer("begun_at")),
            updatedAt: UnixTime(secondsSince1970: try row.integer("copy_updated_at"))
        )
    }
}

extension DatabaseRow {
    /// The id of a file in a column.
    func fileID(_ column: String) throws -> FileID {
        guard let uuid = RecordUUID(bytes: try blob(column)) else { throw RegistryError.unreadable(column) }
        return FileID(uuid: uuid)
    }
}

extension Registry {
    /// Makes other transactions that lock the same file wait for the end of this one.
    static func lock(_ id: FileID, _ rowLock: String, in connection: any DatabaseConnection) throws {
        guard !rowLock.isEmpty else { return }
        _ = try connection.query("SELECT 1 AS one FROM files WHERE id = $1 \(rowLock)", [id.stored])
    }

    /// A file that nobody else can change until the end of the transaction, unless it has been deleted.
    static func lockedFile(
        _ id: FileID,
        _ rowLock: String,
        in connection: any DatabaseConnection
    ) throws -> ManagedFile? {
        try lock(id, rowLock, in: connection)
        return try FileRows.file(id, in: connection)
    }

    /// A file that has to be there; with a lock nobody else can change it until the end of the transaction.
    static func existing(
        _ id: FileID,
        _ rowLock: String = "",
        in connection: any DatabaseConnection
    ) throws -> ManagedFile {
        guard let file = try lockedFile(id, rowLock, in: connection) else {
            throw RegistryError(.notFound, "The file's record does not exist, or no longer.")
        }
        return file
    }
}

extension FileID {
    /// The id as it stands in a column.
    var stored: DatabaseValue { .blob(uuid.bytes) }
}

extension Owner {
    fileprivate static let userKind = "user"
    fileprivate static let teamKind = "team"
    fileprivate static let keyKind = "key"

    /// The owner as it stands in two columns: kind and id.
    var stored: (kind: DatabaseValue, id: DatabaseValue) {
        switch self {
        case .user(let id): (.text(Self.userKind), .text(id.description))
        case .team(let id): (.text(Self.teamKind), .text(id.description))
        case .key(let id): (.text(Self.keyKind), .text(id.description))
        }
    }
}
