import HostCore
import HostDatabase

extension Registry {
    private static let mostTextBytes = 4096

    /// Writes and reads ids of objects with this registry's key.
    package func objectIDCodec(format: FileIDFormat) -> ObjectIDCodec {
        ObjectIDCodec(format: format, authenticate: authenticator())
    }

    /// Writes down that an object is going to be made; to be called before its provider is asked.
    ///
    /// The object is this worker's until it is opened, abandoned or dropped.
    ///
    /// - Parameters:
    ///   - new: The object.
    ///   - report: What is known of it before its provider has said anything.
    /// - Returns: The object, `creating`.
    /// - Throws: ``RegistryError`` with `.invalid`, `.conflict` if the owner has been deleted, or `.storeUnavailable`.
    package func beginObject(
        _ new: ManagedObject.Origin,
        _ report: ObjectReport
    ) async throws(RegistryError) -> ManagedObject {
        for text in [new.modelName, new.webhookURL ?? ""] where text.utf8.count > Self.mostTextBytes {
            throw RegistryError(.invalid, "A name or URL is longer than \(Self.mostTextBytes) bytes.")
        }
        let now = clock.now()
        let created = creationTimes.next(clock.microseconds())
        work.begin(new.id)
        do {
            return try await change("beginning an object") { [dialect, worker] connection in
                try Self.check(new.owner, dialect.sharedRowLock, in: connection)
                try Self.insert(new, report, created: created, now: now, worker, into: connection)
                return try Self.existing(new.id, in: connection)
            }
        } catch {
            work.end(new.id)
            throw error
        }
    }

    /// Notes a provider's id the moment it exists; a repeat with the same id does nothing.
    ///
    /// - Throws: ``RegistryError``: whoever created the object has to undo it. `.notFound` if it is not wanted any more,
    ///   `.conflict` if another id is noted already; `.storeUnavailable`.
    package func remember(_ id: ObjectID, providerID: String) async throws(RegistryError) {
        let now = DatabaseValue.integer(clock.now().secondsSince1970)
        let found = try await change("noting an object") { [rowLock] connection in
            guard let object = try ObjectRows.object(id, rowLock, in: connection) else {
                throw RegistryError(.notFound, "The object's record does not exist, or no longer.")
            }
            guard object.providerID == nil || object.providerID == providerID else {
                throw RegistryError(.conflict, "Another id is already noted for the object.")
            }
            // Also of one that is not wanted any more: whoever undoes it has to know the id.
            try connection.execute(
                "UPDATE objects SET provider_id = $1, updated_at = $2 WHERE id = $3",
                [.text(providerID), now, id.stored]
            )
            return object
        }
        guard found.stage != .gone else { throw RegistryError(.notFound, "The object is not wanted any more.") }
    }

    /// Makes an object visible to clients, now that its provider has it.
    ///
    /// - Parameters:
    ///   - id: The object, `creating`, with its provider's id.
    ///   - report: What its provider says of it.
    ///   - stage: `settled` for one that will never change.
    ///   - due: After how many seconds its provider is to be asked again; nil if nobody has to ask.
    ///   - expiresAt: When a settled object's record may be dropped; nil for never.
    /// - Returns: The object.
    /// - Throws: ``RegistryError``: whoever created the object has to undo it. `.conflict` if it is not being made or has
    ///   no provider's id; `.storeUnavailable`.
    package func openObject(
        _ id: ObjectID,
        _ report: ObjectReport,
        as stage: ObjectStage = .open,
        due: Int64?,
        expiresAt: UnixTime? = nil
    ) async throws(RegistryError) -> ManagedObject {
        let now = clock.now()
        defer { work.end(id) }
        return try await change("opening an object") { connection in
            let opened = try connection.query(
                """
                UPDATE objects SET stage = $1, status = $2, document = $3, due_at = $4, updated_at = $5, worker = NULL,
                    expires_at = $6
                WHERE id = $7 AND stage = 'creating' AND provider_id IS NOT NULL RETURNING *
                """,
                [
                    .text(stage.rawValue), .text(report.status), .text(report.document),
                    DatabaseValue(due.map { now.advanced(bySeconds: $0).secondsSince1970 }),
                    .integer(now.secondsSince1970), DatabaseValue(expiresAt?.secondsSince1970), id.stored,
                ]
            )
            guard let row = opened.first else {
                throw RegistryError(.conflict, "The object is not being made, or no longer.")
            }
            return try ObjectRows.object(row)
        }
    }

    /// Finds an object on behalf of a principal, as the database has it now.
    ///
    /// - Throws: ``RuleError`` of the kind's codes; ``RegistryError``.
    package func object(
        _ requested: RequestedObject,
        for principal: Principal,
        action: FileAction
    ) async throws -> ManagedObject {
        let found = try await inspect("looking up an object") { try ObjectRows.object(requested.id, in: $0) }
        return try principal.check(action, found, requested)
    }

    /// Lists the objects of a kind that a principal may read: its own, its teams' and, for an admin or a viewer, all.
    ///
    /// - Throws: ``RuleError`` of the kind's codes for the object to start after; ``RegistryError`` with
    ///   `.storeUnavailable`.
    package func listObjects(for principal: Principal, _ listing: ObjectListing) async throws -> ObjectPage {
        let page = try await inspect("listing objects") { connection -> Result<ObjectPage, RuleError> in
            var place: PlaceInLists?
            if let after = listing.after {
                let row = try connection.query("SELECT * FROM objects WHERE id = $1", [after.id.stored]).first
                let found = try row.map(ObjectRows.object)
                do throws(RuleError) {
                    _ = try principal.check(.read, found, after)
                } catch {
                    return .failure(error)
                }
                place = try row.map { try PlaceInLists($0) }
            }
            var query = OwnedListQuery(limit: listing.limit, order: listing.order, after: place)
            let statement = query.statement(for: principal, from: "objects", columns: "objects.*") { sql in
                ["objects.kind = \(sql.bind(.text(listing.kind.rawValue)))", "objects.\(ObjectRows.isVisible)"]
            }
            let objects = try connection.query(statement, query.sql.arguments).map(ObjectRows.object)
            return .success(
                ObjectPage(objects: Array(objects.prefix(listing.limit)), hasMore: objects.count > listing.limit)
            )
        }
        return try page.get()
    }

    private static func insert(
        _ new: ManagedObject.Origin,
        _ report: ObjectReport,
        created: Int64,
        now: UnixTime,
        _ worker: WorkerID,
        into connection: any DatabaseConnection
    ) throws {
        try connection.execute(
            """
            INSERT INTO objects (id, kind, created_us, owner_kind, owner_id, team_id, deployment_id, model_name, stage,
                status, document, input_id, validation_id, derived_id, derived_validation_id, output_id, error_id,
                webhook_url, worker, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'creating', $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
            """,
            [
                new.id.stored, .text(new.id.kind.rawValue), .integer(created), new.owner.stored.kind,
                new.owner.stored.id, DatabaseValue(new.teamID?.description), .text(new.deployment.description),
                .text(new.modelName), .text(report.status), .text(report.document), new.inputID.stored,
                new.validationID.stored, new.derivedID.stored, new.derivedValidationID.stored, new.outputID.stored,
                new.errorID.stored, DatabaseValue(new.webhookURL), .text(worker.text), .integer(now.secondsSince1970),
            ]
        )
    }

    private static func existing(_ id: ObjectID, in connection: any DatabaseConnection) throws -> ManagedObject {
        guard let object = try ObjectRows.object(id, in: connection) else {
            throw RegistryError(.notFound, "The object's record does not exist, or no longer.")
        }
        return object
    }
}
