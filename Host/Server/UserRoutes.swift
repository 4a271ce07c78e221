import HTTPTypes
import HostCore
import HostRegistry
import Hummingbird

/// Users, with LiteLLM's requests and answers.
///
/// Administrators change them, viewers see them all, and everybody else sees themselves.
struct UserRoutes: Sendable {
    private static let listNames: Set<String> = ["page", "page_size", "user_ids", "role", "user_email", "team"]

    let registry: Registry

    func add(to table: inout RouteTable) {
        table.add(.post, ["/user/new"], access: .admin) { try await new($0) }
        table.add(.get, ["/user/info"]) { try await info($0) }
        table.add(.get, ["/user/list"], access: .reader) { try await list($0) }
        table.add(.post, ["/user/update"], access: .admin) { try await update($0) }
        table.add(.post, ["/user/delete"], access: .admin) { try await delete($0) }
    }

    /// Makes a user and, unless `auto_create_key` is false, its first key.
    private func new(_ call: Call) async throws -> Response {
        let body = try await call.decoded(NewUserBody.self)
        let user = try body.newUser()
        let key = try body.key.newKey()
        guard body.makesKey ?? true else {
            return try .json(NewUserAnswer(user: try await registry.createUser(user), key: nil))
        }
        let made = try await registry.createUser(user, with: key)
        return try .json(NewUserAnswer(user: made.user, key: made.key))
    }

    /// Without a name it is about the user of the request's key.
    private func info(_ call: Call) async throws -> Response {
        let asked = try QueryParameters(call.request)["user_id"].map { UserID($0) }
        guard let id = asked ?? call.principal.userID else {
            throw RuleError(.invalidRequest, "user_id is missing: this key has no user.", parameter: "user_id")
        }
        guard call.principal.sees(id) else { throw call.principal.blind(to: "users", parameter: "user_id") }
        let user = try await registry.user(id)
        let teams = try await registry.teams(TeamFilter(member: id), page: try PageRequest())
        return try .json(UserInfoAnswer(user: user, teams: teams.records))
    }

    private func list(_ call: Call) async throws -> Response {
        let query = try RecordListQuery(call, names: Self.listNames)
        let filter = UserFilter(
            ids: try query.texts("user_ids")?.map { UserID($0) },
            role: try RecordText.word(query.text("role"), Role.self, parameter: "role"),
            email: query.text("user_email"),
            teamID: query.text("team").map { TeamID($0) }
        )
        let page = try query.page(sizeName: "page_size", defaultSize: 25)
        return try .json(UserListAnswer(try await registry.users(filter, page: page)))
    }

    /// Changes a user; what is absent or null stays.
    ///
    /// Its keys follow at once.
    private func update(_ call: Call) async throws -> Response {
        let body = try await call.decoded(UserChangeBody.self)
        return try .json(UserChangeAnswer(try await registry.updateUser(UserID(body.userID), try body.change())))
    }

    /// Deletes users with their keys, all or none.
    ///
    /// What a user made under a team passes to the team; its other files are deleted, so that a later user of the same
    /// id does not inherit them. `deleted_files` says how many.
    private func delete(_ call: Call) async throws -> Response {
        let body = try await call.decoded(DeleteUsersBody.self)
        try RecordIDs.check(body.userIDs, parameter: "user_ids")
        let deletion = try await registry.deleteUsers(body.userIDs.map { UserID($0) })
        return try .json(DeletedUsersAnswer(deletion))
    }
}
