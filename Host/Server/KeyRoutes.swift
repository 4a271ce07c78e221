import HTTPTypes
import HostCore
import HostRegistry
import Hummingbird

/// API keys, with LiteLLM's requests and answers.
///
/// A key itself is shown once, by the route that makes it or makes it anew. Everywhere else it goes by its id
/// (`token_id`) and `sk-...` with its last four characters. Routes that name a key take the key or its id.
///
/// A user makes and changes its own keys, within the limits of the key that it uses; viewers change nothing.
struct KeyRoutes: Sendable {
    private static let listNames: Set<String> = [
        "page", "size", "user_id", "team_id", "key_alias", "return_full_object",
    ]

    let registry: Registry

    func add(to table: inout RouteTable) {
        table.add(.post, ["/key/generate"], access: .owner) { try await generate($0) }
        table.add(.post, ["/key/service-account/generate"], access: .admin) { try await generateForTeam($0) }
        table.add(.get, ["/key/info"]) { try await info($0) }
        table.add(.get, ["/key/list"]) { try await list($0) }
        table.add(.post, ["/key/update"], access: .owner) { try await update($0) }
        table.add(.post, ["/key/regenerate", "/key/{key}/regenerate"], access: .owner) { try await regenerate($0) }
        table.add(.post, ["/key/block"], access: .owner) { try await setBlocked(true, $0) }
        table.add(.post, ["/key/unblock"], access: .owner) { try await setBlocked(false, $0) }
        table.add(.post, ["/key/delete"], access: .owner) { try await delete($0) }
    }

    /// Makes a key; an administrator makes one for anybody and makes its user a member of its team.
    private func generate(_ call: Call) async throws -> Response {
        let authority = try KeyAuthority(call.principal)
        let body = try await call.decoded(NewKeyBody.self)
        let made = try await registry.createKey(try body.newKey(owner: authority.user), by: authority)
        return try .json(KeyAnswer(made.record, text: made.text))
    }

    /// Makes a key of a team that is no user's: what it makes is the team's.
    private func generateForTeam(_ call: Call) async throws -> Response {
        let body = try await call.decoded(NewKeyBody.self)
        guard body.teamID != nil else {
            throw RuleError(.invalidRequest, "team_id is missing: a service account is a team's.", parameter: "team_id")
        }
        guard body.userID == nil else {
            throw RuleError(.invalidRequest, "A service account has no user.", parameter: "user_id")
        }
        let made = try await registry.createKey(try body.newKey())
        return try .json(KeyAnswer(made.record, text: made.text))
    }

    /// Without a name it is about the key of the request.
    private func info(_ call: Call) async throws -> Response {
        guard let asked = try QueryParameters(call.request)["key"] else {
            guard call.principal != .master else {
                throw RuleError(.invalidRequest, "key is missing: the master key has no record.", parameter: "key")
            }
            return try .json(KeyInfoAnswer(try await registry.keyRecord(for: .id(call.principal.keyID))))
        }
        return try .json(KeyInfoAnswer(try await record(asked, for: call.principal)))
    }

    private func record(_ asked: String, for principal: Principal) async throws -> KeyRecord {
        let refusal = principal.blind(to: "keys", parameter: "key")
        do {
            let record = try await registry.keyRecord(for: KeySelector(asked))
            guard principal.sees(record) else { throw refusal }
            return record
        } catch let error as RegistryError where error.code == .notFound && !principal.seesEverybody {
            throw refusal
        }
    }

    /// Administrators and viewers list every key, a user its own, and a key without a user itself.
    private func list(_ call: Call) async throws -> Response {
        let query = try RecordListQuery(call, names: Self.listNames)
        let principal = call.principal
        let asked = query.text("user_id").map { UserID($0) }
        if let asked, !principal.sees(asked) { throw principal.blind(to: "users", parameter: "user_id") }
        let filter = KeyFilter(
            id: principal.seesEverybody || principal.userID != nil ? nil : principal.keyID,
            userID: principal.seesEverybody ? asked : principal.userID,
            teamID: query.text("team_id").map { TeamID($0) },
            alias: query.text("key_alias")
        )
        let page = try await registry.keys(filter, page: try query.page(sizeName: "size", defaultSize: 10))
        return try .json(KeyListAnswer(page: page, isFull: try query.flag("return_full_object")))
    }

    /// Changes a key; what is absent or null stays.
    ///
    /// The files of a key that had neither user nor team go with it.
    private func update(_ call: Call) async throws -> Response {
        let body = try await call.decoded(KeyChangeBody.self)
        let authority = try KeyAuthority(call.principal)
        let record = try await registry.updateKey(try body.selector(), try body.change(), by: authority)
        return try .json(KeyAnswer(record, name: record.id.description))
    }

    /// Gives a key a new text.
    ///
    /// It keeps its id, so that its files stay its own.
    private func regenerate(_ call: Call) async throws -> Response {
        let body = try await call.decoded(KeyChangeBody.self)
        let path = call.context.parameters.get("key") == nil ? nil : try call.parameter("key")
        let made = try await registry.regenerateKey(
            try body.selector(path: path),
            try body.change(),
            by: try KeyAuthority(call.principal)
        )
        return try .json(KeyAnswer(made.record, text: made.text))
    }

    /// A user unblocks only what it blocked itself.
    private func setBlocked(_ isBlocked: Bool, _ call: Call) async throws -> Response {
        let body = try await call.decoded(KeyNameBody.self)
        let record = try await registry.updateKey(
            KeySelector(body.key),
            KeyChange(isBlocked: isBlocked),
            by: try KeyAuthority(call.principal)
        )
        return try .json(KeyAnswer(record))
    }

    /// Deletes keys, all or none.
    ///
    /// The files of a key that has neither user nor team are deleted with it; the files of every other key are its
    /// user's or team's and stay. `deleted_files` says how many.
    private func delete(_ call: Call) async throws -> Response {
        let named = try await call.decoded(DeleteKeysBody.self).named()
        let authority = try KeyAuthority(call.principal)
        let deletion = try await registry.deleteKeys(named.selectors, aliases: named.aliases, by: authority)
        return try .json(DeletedKeysAnswer(deletion))
    }
}

extension KeyAuthority {
    /// The user for whom a key is made if nobody is named.
    fileprivate var user: UserID? {
        switch self {
        case .administrator, .administratorKey: nil
        case .owner(let user, _): user
        }
    }
}
