import HostCore
import HostDatabase

extension Registry {
    /// A name is a provider's, and that of few models: what one account made cannot hide another's.
    private static let mostOfOneName = 16
    private static let columns = """
        m.name, o.owner_kind, o.owner_id, o.team_id, o.deployment_id, o.model_name, o.created_us
        """

    /// The tuned models of a name, whosever they are, if that is in memory; never waits.
    ///
    /// - Returns: Nil if the database has to be asked.
    package func cachedTunedModels(named name: String) -> [TunedModel]? {
        if name.utf8.count > TunedModel.longestName { return [] }
        return cachedModels.value(for: name) ?? unknownModels.value(for: name).map { _ in [] }
    }

    /// The tuned models of a name, whosever they are; while the database is away, those that were known a short while ago.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`: it is not known whether there are any.
    package func tunedModels(named name: String) async throws(RegistryError) -> [TunedModel] {
        if let known = cachedTunedModels(named: name) { return known }
        let (ticket, unknownTicket) = (cachedModels.ticket(), unknownModels.ticket())
        do {
            let found = try await inspect("looking up a tuned model") { connection in
                try connection.query(
                    """
                    SELECT \(Self.columns) FROM tuned_models AS m JOIN objects AS o ON o.id = m.object_id
                    WHERE m.name = $1 AND o.stage = 'settled' ORDER BY o.created_us DESC, o.id DESC LIMIT $2
                    """,
                    [.text(name), .integer(Int64(Self.mostOfOneName))]
                ).map(Self.tunedModel)
            }
            if found.isEmpty {
                unknownModels.insert([(name, true)], readWith: unknownTicket)
            } else {
                cachedModels.insert([(name, found)], readWith: ticket)
            }
            return found
        } catch {
            guard error.code == .storeUnavailable, let known = cachedModels.staleValue(for: name) else { throw error }
            return known
        }
    }

    /// The tuned models of a principal and of its teams, those of the newest jobs first; checkpoints are left out.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func tunedModels(of principal: Principal, limit: Int) async throws(RegistryError) -> [TunedModel] {
        try await inspect("listing tuned models") { connection in
            var sql = SQLText()
            let stored = principal.owner.stored
            let owned = "o.owner_kind = \(sql.bind(stored.kind)) AND o.owner_id = \(sql.bind(stored.id))"
            let teams = principal.sharedTeams.map { DatabaseValue.text($0.description) }
            let shared = teams.isEmpty ? "" : " OR o.team_id IN (\(sql.bind(list: teams)))"
            let statement = """
                SELECT \(Self.columns) FROM tuned_models AS m JOIN objects AS o ON o.id = m.object_id
                WHERE o.kind = 'job' AND o.stage = 'settled' AND m.place = 0 AND (\(owned)\(shared))
                ORDER BY o.created_us DESC, o.id DESC LIMIT \(sql.bind(.integer(Int64(limit))))
                """
            return try connection.query(statement, sql.arguments).map(Self.tunedModel)
        }
    }

    /// Makes lookups of these names ask the database again.
    func forgetModels(_ names: [String]) {
        cachedModels.remove(names)
        unknownModels.remove(names)
    }

    /// Writes down which models an object has made.
    static func insertModels(
        _ settlement: ObjectSettlement,
        of object: ManagedObject,
        into connection: any DatabaseConnection
    ) throws {
        var place: Int64 = settlement.model == nil ? 1 : 0
        var seen: Set<String> = []
        for name in settlement.models where name.utf8.count <= TunedModel.longestName && seen.insert(name).inserted {
            try connection.execute(
                "INSERT INTO tuned_models (name, object_id, place) VALUES ($1, $2, $3)",
                [.text(name), object.id.stored, .integer(place)]
            )
            place += 1
        }
    }

    private static func tunedModel(_ row: DatabaseRow) throws -> TunedModel {
        TunedModel(
            name: try row.text("name"),
            owner: try FileRows.owner(row),
            teamID: try row.textIfPresent("team_id").map { TeamID($0) },
            deployment: DeploymentID(try row.text("deployment_id")),
            baseModelName: try row.text("model_name"),
            createdAt: UnixTime(secondsSince1970: try row.integer("created_us") / 1_000_000)
        )
    }
}
