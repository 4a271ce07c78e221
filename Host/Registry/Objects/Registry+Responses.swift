import HostCore
import HostDatabase

/// What some ids of a provider stand for.
package struct ManagedNames: Sendable {
    /// Responses by the provider's ids.
    package let responses: [String: ManagedObject]
    /// Files by the ids of their copies.
    package let files: [String: ManagedFile]
}

extension Registry {
    /// Writes down a response that its provider keeps, the moment it exists.
    ///
    /// - Parameters:
    ///   - new: The response.
    ///   - providerID: The provider's id.
    ///   - expiresAt: When its provider has dropped it by itself.
    /// - Throws: ``RegistryError``: whoever had it made has to undo it. `.conflict` if the owner has been deleted,
    ///   `.storeUnavailable`.
    package func keepResponse(
        _ new: ManagedObject.Origin,
        providerID: String,
        expiresAt: UnixTime
    ) async throws(RegistryError) {
        let now = clock.now()
        let created = creationTimes.next(clock.microseconds())
        try await change("noting a response") { [dialect] connection in
            try Self.check(new.owner, dialect.sharedRowLock, in: connection)
            try connection.execute(
                """
                INSERT INTO objects (id, kind, created_us, owner_kind, owner_id, team_id, deployment_id, model_name,
                    provider_id, stage, status, document, updated_at, expires_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '{}', $11, $12)
                """,
                [
                    new.id.stored, .text(new.id.kind.rawValue), .integer(created), new.owner.stored.kind,
                    new.owner.stored.id, DatabaseValue(new.teamID?.description), .text(new.deployment.description),
                    .text(new.modelName), .text(providerID), .text(ObjectStage.settled.rawValue),
                    .integer(now.secondsSince1970), .integer(expiresAt.secondsSince1970),
                ]
            )
        }
    }

    /// Finds what a provider's ids stand for, as far as a principal may read it.
    ///
    /// - Parameters:
    ///   - providerIDs: At most 1,000 of them are looked up.
    ///   - deployment: Whose ids they are.
    ///   - principal: Who asks.
    /// - Returns: Files in use and responses that clients can see.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func names(
        of providerIDs: Set<String>,
        at deployment: DeploymentID,
        for principal: Principal
    ) async throws(RegistryError) -> ManagedNames {
        let wanted = providerIDs.sorted().prefix(1000).map { DatabaseValue.text($0) }
        guard !wanted.isEmpty else { return ManagedNames(responses: [:], files: [:]) }
        return try await inspect("looking up a provider's ids") { connection in
            var sql = SQLText()
            let there = sql.bind(.text(deployment.description))
            let list = sql.bind(list: wanted)
            let objects = try connection.query(
                """
                SELECT * FROM objects WHERE deployment_id = \(there) AND provider_id IN (\(list)) AND kind = 'response'
                    AND \(ObjectRows.isVisible)
                """,
                sql.arguments
            ).map(ObjectRows.object).filter { principal.may(.read, $0) }
            let ids = try connection.query(
                "SELECT file_id FROM file_copies WHERE deployment_id = \(there) AND provider_id IN (\(list))",
                sql.arguments
            ).map { try $0.fileID("file_id") }
            let files = try ids.isEmpty ? [] : FileRows.files(ids, in: connection)
            let readable = files.filter { $0.status.isKnownToClients && principal.may(.read, $0) }
            return ManagedNames(
                responses: Dictionary(objects.map { ($0.providerID ?? "", $0) }) { first, _ in first },
                files: Dictionary(
                    readable.flatMap { file in
                        file.copies.filter { $0.deployment == deployment }.map { ($0.providerID ?? "", file) }
                    }
                ) { first, _ in first }
            )
        }
    }
}
