import HostCore
import HostDatabase
import HostRegistry
import Testing

struct TeamTests {
    private let team = TeamID("team")
    private let ann = UserID("ann")
    private let bob = UserID("bob")

    @Test(arguments: DatabaseKind.allCases)
    func aTeamsRecordComesBackWithItsMembersAndKeys(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: ann))
            let made = try await registry.createTeam(
                NewTeam(
                    id: team,
                    alias: "Readers",
                    models: ["a"],
                    metadata: #"{"a":1}"#,
                    maximumBudget: 2,
                    members: [TeamMember(userID: ann, role: .admin)]
                )
            )
            let key = try await registry.createKey(NewKey(teamID: team))

            let found = try await registry.team(team)

            #expect(found.team == made)
            #expect(found.team.members == [TeamMember(userID: ann, role: .admin)])
            #expect(found.team.alias == "Readers" && found.team.models == ["a"] && found.team.maximumBudget == 2)
            #expect(found.team.metadata == #"{"a":1}"# && !found.team.isBlocked)
            #expect(found.keys == [key.record])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aTeamWithAMemberThatDoesNotExistIsNotMade(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let new = NewTeam(id: team, members: [TeamMember(userID: ann)])
            try await expectRefusal(.notFound) { try await fixture.registry.createTeam(new) }
            try await expectRefusal(.notFound) { _ = try await fixture.registry.team(team) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func membersShareTheFilesThatAreMadeUnderTheTeam(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: team))
            try await registry.createUser(NewUser(id: ann))
            let key = try await registry.createKey(NewKey(userID: ann, teamID: team))
            let service = try await registry.createKey(NewKey(teamID: team))
            let stranger = try await fixture.principal("bob")
            let bobsKey = try #require(try await registry.user(bob).keys.first)
            let file = try await fixture.make(try await fixture.principal(of: key))
            let shared = try await fixture.make(try await fixture.principal(of: service))
            try await expectBrokenRule(.fileAccessDenied) { _ = try await fixture.find(file, stranger) }

            try await registry.addMembers([TeamMember(userID: bob)], to: team)

            let member = try #require(try await bearer(bobsKey, registry))
            #expect(member.memberships == [team])
            #expect(try await fixture.find(file, member) == file)
            #expect(try await fixture.list(member).files.map(\.id) == [shared, file].map(\.id))

            try await registry.removeMember(bob, from: team)

            let outsider = try #require(try await bearer(bobsKey, registry))
            #expect(outsider.memberships.isEmpty)
            try await expectBrokenRule(.fileAccessDenied) { _ = try await fixture.find(file, outsider) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anAdministratorsKeyMakesItsUserAMember(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: team))
            _ = try await registry.createUser(NewUser(id: ann), with: NewKey(teamID: team))
            try await registry.createUser(NewUser(id: bob))
            let key = try await registry.createKey(NewKey(userID: bob))

            try await registry.updateKey(.id(key.record.id), KeyChange(teamID: team))

            let members = try await registry.team(team).team.members
            #expect(members == [TeamMember(userID: ann), TeamMember(userID: bob)])
            #expect(try await fixture.principal(of: key).sharedTeams == [team])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whoLeavesATeamLosesItsKeysOfThatTeamAlone(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: team))
            try await registry.createUser(NewUser(id: ann))
            let own = try await registry.createKey(NewKey(userID: ann))
            let ofTeam = try await registry.createKey(NewKey(userID: ann, teamID: team))
            let service = try await registry.createKey(NewKey(teamID: team))
            let file = try await fixture.make(try await fixture.principal(of: ofTeam))

            let (left, keyCount) = try await registry.removeMember(ann, from: team)

            #expect(left.members.isEmpty && keyCount == 1)
            #expect(try await registry.principal(forKey: ofTeam.text) == .unknown)
            #expect(try await fixture.find(file, try await fixture.principal(of: own)) == file)
            #expect(try await fixture.find(file, try await fixture.principal(of: service)) == file)
            try await expectRefusal(.notFound) { _ = try await registry.removeMember(ann, from: team) }
            try await expectRefusal(.notFound) { _ = try await registry.removeMember(ann, from: TeamID("x")) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func theKeysOfABlockedTeamAreBlockedHereAtOnceAndElsewhereWithinTwoSeconds(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: team))
            let key = try await registry.createKey(NewKey(teamID: team))
            let other = try await fixture.otherHost()
            _ = try await fixture.principal(of: key)
            _ = try await other.principal(forKey: key.text)

            #expect(try await registry.updateTeam(team, TeamChange(isBlocked: true)).isBlocked)

            #expect(try await registry.principal(forKey: key.text) == .blocked)
            fixture.clock.advance(by: .seconds(2))
            #expect(try await other.principal(forKey: key.text) == .blocked)
            try await registry.updateTeam(team, TeamChange(isBlocked: false))
            #expect(try await fixture.principal(of: key).teamID == team)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aTeamsModelsBindItsKeysAtOnce(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: team, alias: "T", metadata: "{}"))
            let key = try await registry.createKey(NewKey(teamID: team))
            #expect(try await fixture.principal(of: key).models == .all)

            let changed = try await registry.updateTeam(team, TeamChange(alias: "", models: ["a"]))

            #expect(changed.alias == nil && changed.metadata == "{}")
            #expect(try await fixture.principal(of: key).models == .only(["a"]))
            try await expectRefusal(.notFound) { try await registry.updateTeam(TeamID("x"), TeamChange()) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func addingSomebodyAgainChangesTheRoleAlone(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: ann))
            try await registry.createTeam(NewTeam(id: team, members: [TeamMember(userID: ann)]))

            let changed = try await registry.addMembers([TeamMember(userID: ann, role: .admin)], to: team)

            #expect(changed.members == [TeamMember(userID: ann, role: .admin)])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aUserIsAMemberOfAtMostAHundredTeams(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: ann))
            for n in 0..<100 {
                try await registry.createTeam(NewTeam(id: TeamID("t\(n)"), members: [TeamMember(userID: ann)]))
            }
            try await registry.createTeam(NewTeam(id: team))

            try await expectRefusal(.invalid) { try await registry.addMembers([TeamMember(userID: ann)], to: team) }
            try await expectRefusal(.invalid) { _ = try await registry.createKey(NewKey(userID: ann, teamID: team)) }

            let key = try await registry.createKey(NewKey(userID: ann))
            let principal = try await fixture.principal(of: key)
            #expect(principal.memberships.count == 100)
            #expect(try await fixture.list(principal).files.isEmpty)
            #expect(try await registry.team(team).team.members.isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aTeamHasAtMostAThousandMembers(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: team))
            try await fixture.database.write { connection in
                for n in 0..<1001 {
                    try connection.execute(
                        "INSERT INTO users (id, role, models, created_at) VALUES ($1, 'internal_user', '[]', 0)",
                        [.text("u\(n)")]
                    )
                }
            }
            let members = (0..<1001).map { TeamMember(userID: UserID("u\($0)")) }
            try await registry.addMembers(Array(members.prefix(1000)), to: team)

            try await expectRefusal(.invalid) { try await registry.addMembers([members[1000]], to: team) }

            #expect(try await registry.team(team).team.members.count == 1000)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func listsShowTeamsWithTheirMembers(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: ann))
            for n in 0..<3 {
                let members = n == 1 ? [TeamMember(userID: ann)] : []
                try await registry.createTeam(NewTeam(id: TeamID("t\(n)"), alias: "T\(n)", members: members))
                fixture.clock.advance(by: .seconds(1))
            }

            let all = try await registry.teams(TeamFilter(), page: PageRequest(number: 1, size: 2))
            let anns = try await registry.teams(TeamFilter(member: ann), page: PageRequest())

            #expect(all.records.map(\.id.description) == ["t2", "t1"] && all.totalCount == 3)
            #expect(anns.records.map(\.members) == [[TeamMember(userID: ann)]])
            #expect(try await registry.teams(TeamFilter(ids: []), page: PageRequest()).records.isEmpty)
            #expect(try await registry.teams(TeamFilter(alias: "T0"), page: PageRequest()).totalCount == 1)
            let named = TeamFilter(ids: [TeamID("t0"), TeamID("t1"), TeamID("t2")], member: ann)
            #expect(try await registry.teams(named, page: PageRequest()).records.map(\.id.description) == ["t1"])
        }
    }

    private func bearer(_ key: KeyRecord, _ registry: Registry) async throws -> Principal? {
        guard case .principal(let principal) = try await registry.principal(for: key.digest) else { return nil }
        return principal
    }
}
