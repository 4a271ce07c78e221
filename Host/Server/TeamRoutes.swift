import HTTPTypes
import HostCore
import HostRegistry
import Hummingbird

/// Teams and their members, with LiteLLM's requests and answers.
///
/// Administrators change them, viewers see them all, and everybody else sees the teams they are members of. What a
/// member is called in its team gives it no rights.
struct TeamRoutes: Sendable {
    private static let listNames: Set<String> = ["page", "page_size", "user_id", "team_id", "team_alias"]

    let registry: Registry

    func add(to table: inout RouteTable) {
        table.add(.post, ["/team/new"], access: .admin) { try await new($0) }
        table.add(.get, ["/team/info"]) { try await info($0) }
        table.add(.get, ["/team/list"]) { try await list($0) }
        table.add(.post, ["/team/update"], access: .admin) { try await update($0) }
        table.add(.post, ["/team/delete"], access: .admin) { try await delete($0) }
        table.add(.post, ["/team/member_add"], access: .admin) { try await addMembers($0) }
        table.add(.post, ["/team/member_delete"], access: .admin) { try await removeMember($0) }
    }

    private func new(_ call: Call) async throws -> Response {
        let body = try await call.decoded(NewTeamBody.self)
        return try .json(TeamAnswer(try await registry.createTeam(try body.newTeam())))
    }

    /// Members see their own keys of the team alone.
    ///
    /// Without a name it is about the team of the request's key.
    private func info(_ call: Call) async throws -> Response {
        let asked = try QueryParameters(call.request)["team_id"].map { TeamID($0) }
        guard let id = asked ?? call.principal.teamID else {
            throw RuleError(.invalidRequest, "team_id is missing: this key has no team.", parameter: "team_id")
        }
        guard call.principal.sees(id) else { throw call.principal.blind(to: "teams", parameter: "team_id") }
        let found = try await registry.team(id)
        return try .json(TeamInfoAnswer(found.team, keys: found.keys.filter { call.principal.sees($0) }))
    }

    /// A plain list, as LiteLLM answers it: a page of at most 100, and the count of all in a header.
    private func list(_ call: Call) async throws -> Response {
        let query = try RecordListQuery(call, names: Self.listNames)
        let principal = call.principal
        let asked = query.text("team_id").map { TeamID($0) }
        if let asked, !principal.sees(asked) { throw principal.blind(to: "teams", parameter: "team_id") }
        let member = query.text("user_id").map { UserID($0) }
        if let member, !principal.sees(member) { throw principal.blind(to: "users", parameter: "user_id") }
        let visible = principal.seesEverybody ? nil : Array(principal.sharedTeams)
        let found = try await registry.teams(
            TeamFilter(ids: asked.map { [$0] } ?? visible, alias: query.text("team_alias"), member: member),
            page: try query.page(sizeName: "page_size", defaultSize: PageRequest.maximumSize)
        )
        return try .json(found.records.map { TeamAnswer($0) }, headers: [.totalCount: "\(found.totalCount)"])
    }

    /// Changes a team; what is absent or null stays.
    ///
    /// The keys of a blocked team are refused.
    private func update(_ call: Call) async throws -> Response {
        let body = try await call.decoded(TeamChangeBody.self)
        return try .json(TeamChangeAnswer(try await registry.updateTeam(TeamID(body.teamID), try body.change())))
    }

    /// Deletes teams with their keys, all or none.
    ///
    /// Files of a team's service accounts, and those that passed to the team, are deleted; what users made under it
    /// stays theirs alone. `deleted_files` says how many.
    private func delete(_ call: Call) async throws -> Response {
        let body = try await call.decoded(DeleteTeamsBody.self)
        try RecordIDs.check(body.teamIDs, parameter: "team_ids")
        return try .json(DeletedTeamsAnswer(try await registry.deleteTeams(body.teamIDs.map { TeamID($0) })))
    }

    /// The members share the files that are made under the team.
    private func addMembers(_ call: Call) async throws -> Response {
        let body = try await call.decoded(AddMembersBody.self)
        return try .json(TeamAnswer(try await registry.addMembers(try body.members(), to: TeamID(body.teamID))))
    }

    /// Removes a member and deletes its keys of the team; its files stay its own, and the team's.
    private func removeMember(_ call: Call) async throws -> Response {
        let body = try await call.decoded(RemoveMemberBody.self)
        let (team, keyCount) = try await registry.removeMember(UserID(body.userID), from: TeamID(body.teamID))
        return try .json(TeamAnswer(team, deletedKeyCount: keyCount))
    }
}
