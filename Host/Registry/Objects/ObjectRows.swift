import HostCore
import HostDatabase

/// Objects as they stand in the table.
enum ObjectRows {
    /// Where objects that clients can see are in their life.
    static let isVisible = "stage IN ('open', 'settling', 'settled')"

    /// Finds one object.
    static func object(
        _ id: ObjectID,
        _ rowLock: String = "",
        in connection: any DatabaseConnection
    ) throws -> ManagedObject? {
        let rows = try connection.query(
            "SELECT * FROM objects WHERE id = $1 AND kind = $2 \(rowLock)",
            [id.stored, .text(id.kind.rawValue)]
        )
        return try rows.first.map(object)
    }

    /// Reads a row of `objects`.
    static func object(_ row: DatabaseRow) throws -> ManagedObject {
        guard let uuid = RecordUUID(bytes: try row.blob("id")) else { throw RegistryError.unreadable("id") }
        guard let kind = ManagedObjectKind(rawValue: try row.text("kind")) else {
            throw RegistryError.unreadable("kind")
        }
        guard let stage = ObjectStage(rawValue: try row.text("stage")) else { throw RegistryError.unreadable("stage") }
        return ManagedObject(
            origin: try origin(row, ObjectID(kind, uuid: uuid)),
            state: ManagedObject.State(
                providerID: try row.textIfPresent("provider_id"),
                stage: stage,
                status: try row.text("status"),
                document: try row.text("document"),
                usage: try row.textIfPresent("usage"),
                failures: Int(try row.integer("failures")),
                missingSince: try row.time("missing_since"),
                updatedAt: UnixTime(secondsSince1970: try row.integer("updated_at")),
                expiresAt: try row.time("expires_at")
            ),
            createdAt: UnixTime(secondsSince1970: try row.integer("created_us") / 1_000_000)
        )
    }

    private static func origin(_ row: DatabaseRow, _ id: ObjectID) throws -> ManagedObject.Origin {
        ManagedObject.Origin(
            id: id,
            owner: try FileRows.owner(row),
            teamID: try row.textIfPresent("team_id").map { TeamID($0) },
            deployment: DeploymentID(try row.text("deployment_id")),
            modelName: try row.text("model_name"),
            inputID: try row.fileIDIfPresent("input_id"),
            validationID: try row.fileIDIfPresent("validation_id"),
            derivedID: try row.fileIDIfPresent("derived_id"),
            derivedValidationID: try row.fileIDIfPresent("derived_validation_id"),
            outputID: try row.fileIDIfPresent("output_id"),
            errorID: try row.fileIDIfPresent("error_id"),
            webhookURL: try row.textIfPresent("webhook_url")
        )
    }
}

extension ObjectID {
    /// The id as it stands in a column.
    var stored: DatabaseValue { .blob(uuid.bytes) }
}

extension FileID? {
    /// The id as it stands in a column that may be null.
    var stored: DatabaseValue { map(\.stored) ?? .null }
}

extension DatabaseRow {
    /// The id of a file in a column, or nil for null.
    fileprivate func fileIDIfPresent(_ column: String) throws -> FileID? {
        if case .null = try value(column) { return nil }
        return try fileID(column)
    }
}
