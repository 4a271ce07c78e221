import HostCore
import HostDatabase

extension Registry {
    /// Changes a user, and with it what its keys may do: here from now on, on other hosts within 2 seconds.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`, `.notFound` or `.storeUnavailable`.
    @discardableResult
    package func updateUser(_ id: UserID, _ change: UserChange) async throws(RegistryError) -> UserRecord {
        try FieldRules.checkLabel(change.alias, parameter: "user_alias")
        try FieldRules.checkLabel(change.email, parameter: "user_email")
        try FieldRules.checkModels(change.models ?? [])
        try FieldRules.checkExtras(metadata: change.metadata, maximumBudget: change.maximumBudget)
        return try await changePrincipals("changing a user") { [dialect] connection in
            let old = try UserRecord(LockedRows.user(id, in: connection, dialect), keys: [])
            let rows = try connection.query(
                """
                UPDATE users SET alias = $1, email = $2, role = $3, models = $4, metadata = $5, max_budget = $6
                WHERE id = $7 RETURNING *
                """,
                [
                    DatabaseValue(Self.label(change.alias, old.alias)),
                    DatabaseValue(Self.label(change.email, old.email)),
                    .text((change.role ?? old.role).rawValue),
                    .text(JSONText.encode(change.models ?? old.models)),
                    DatabaseValue(change.metadata ?? old.metadata),
                    DatabaseValue(change.maximumBudget ?? old.maximumBudget), .text(id.description),
                ]
            )
            guard let row = rows.first else { throw RegistryError.unreadable("user") }
            let grantsOrTakes = change.role != nil || change.models != nil
            return (try UserRecord(row, keys: []), grantsOrTakes ? .all : .some([]))
        }
    }

    /// Deletes users with their keys and memberships, all or none.
    ///
    /// What a user made under a team passes to that team; its other files are marked for deletion in the same
    /// transaction, so that a later user of the same id does not inherit them.
    ///
    /// - Throws: ``RegistryError`` with `.notFound` or `.storeUnavailable`.
    @discardableResult
    package func deleteUsers(_ ids: [UserID]) async throws(RegistryError) -> Deletion<UserID> {
        let now = clock.now()
        var seen: Set<UserID> = []
        let wanted = ids.filter { seen.insert($0).inserted }
        return try await changePrincipals("deleting users") { [dialect] connection in
            for id in wanted.sorted(by: { $0.description < $1.description }) {
                _ = try LockedRows.user(id, in: connection, dialect)
            }
            var fileCount = 0
            var keyCount = 0
            for id in wanted {
                let user = Owner.user(id)
                try OwnedFiles.passToTeams(from: user, in: connection)
                fileCount += try OwnedFiles.discard(of: user, at: now, in: connection)
                let value = DatabaseValue.text(id.description)
                keyCount += try connection.execute("DELETE FROM keys WHERE user_id = $1", [value])
                try connection.execute("DELETE FROM users WHERE id = $1", [value])
            }
            return (Deletion(ids: wanted, keyCount: keyCount, fileCount: fileCount), .all)
        }
    }

    /// A label after a change: an empty one stands for none.
    static func label(_ changed: String?, _ old: String?) -> String? {
        guard let changed else { return old }
        return changed.isEmpty ? nil : changed
    }
}
