import HostCore
import HostDatabase
import HostRegistry
import Testing

/// What becomes of files when those who made them are deleted.
struct DeletionTests {
    private let team = TeamID("team")
    private let ann = UserID("ann")

    @Test(arguments: DatabaseKind.allCases)
    func aDeletedUsersFilesAreMarkedAndALaterUserOfTheSameIDDoesNotInheritThem(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let principal = try await fixture.principal("ann")
            let files = [try await fixture.make(principal), try await fixture.make(principal)]
            let begun = try await fixture.begin(principal)
            let strangers = try await fixture.make(try await fixture.principal("bob"))

            let deletion = try await fixture.registry.deleteUsers([ann])

            #expect(deletion.ids == [ann] && deletion.keyCount == 1 && deletion.fileCount == 3)
            try await expectRefusal(.notFound) { _ = try await fixture.registry.user(ann) }
            let heir = try await fixture.principal("ann")
            #expect(try await fixture.list(heir).files.isEmpty)
            for file in files + [begun] {
                try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(file, heir) }
                try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(file, .master) }
            }
            #expect(try await fixture.find(strangers, .master) == strangers)
            let sweep = try await fixture.otherHost().claimFiles(limit: 10)
            #expect(Set(sweep.map(\.id)) == Set((files + [begun]).map(\.id)))
            #expect(
                sweep.allSatisfy {
                    $0.status == .deleting && $0.copies.allSatisfy { [.deleting, .failed].contains($0.state) }
                }
            )
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anUploadThatIsUnderWayWhenItsUserIsDeletedCannotBeCommitted(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let begun = try await fixture.begin(try await fixture.principal("ann"), at: ["a"])

            try await fixture.registry.deleteUsers([ann])

            try await expectRefusal(.conflict) {
                try await fixture.registry.complete(begun.id, at: DeploymentID("a"), providerID: "p", expiresAt: nil)
            }
            try await expectRefusal(.conflict) { _ = try await fixture.registry.commitFile(begun.id) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aRequestThatOutlivedItsOwnerCannotBeginAFile(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: team))
            let service = try await registry.createKey(NewKey(teamID: team))
            let lone = try await registry.createKey(NewKey())
            let owners = [
                try await fixture.principal("ann"), try await fixture.principal(of: service),
                try await fixture.principal(of: lone),
            ]
            for owner in owners { _ = try await fixture.begin(owner) }

            try await registry.deleteUsers([ann])
            try await registry.deleteTeams([team])
            try await registry.deleteKeys([.id(lone.record.id)])

            for owner in owners {
                try await expectRefusal(.conflict) { _ = try await fixture.begin(owner) }
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatAUserMadeUnderATeamPassesToTheTeam(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: team))
            let made = try await registry.createUser(NewUser(id: ann), with: NewKey(teamID: team))
            let service = try await registry.createKey(NewKey(teamID: team))
            let file = try await fixture.make(try await fixture.principal(of: made.key))
            let own = try await registry.createKey(NewKey(userID: ann))
            let privateFile = try await fixture.make(try await fixture.principal(of: own))

            let deletion = try await registry.deleteUsers([ann])

            #expect(deletion.fileCount == 1 && deletion.keyCount == 2)
            let passed = try await fixture.find(file, try await fixture.principal(of: service), .delete)
            #expect(passed.owner == .team(team) && passed.teamID == team)
            let heir = try await fixture.principal("ann")
            try await expectBrokenRule(.fileAccessDenied) { _ = try await fixture.find(file, heir) }
            try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(privateFile, heir) }
            #expect(try await registry.team(team).team.members.isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aDeletedTeamTakesItsOwnFilesAlongAndLeavesItsMembersTheirs(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: team))
            try await registry.createUser(NewUser(id: ann))
            let ofTeam = try await registry.createKey(NewKey(userID: ann, teamID: team))
            let own = try await registry.createKey(NewKey(userID: ann))
            let service = try await registry.createKey(NewKey(teamID: team))
            let anns = try await fixture.make(try await fixture.principal(of: ofTeam))
            let teams = try await fixture.make(try await fixture.principal(of: service))

            let deletion = try await registry.deleteTeams([team, team])

            #expect(deletion.ids == [team] && deletion.keyCount == 2 && deletion.fileCount == 1)
            #expect(try await registry.principal(forKey: service.text) == .unknown)
            #expect(try await registry.principal(forKey: ofTeam.text) == .unknown)
            let found = try await fixture.find(anns, try await fixture.principal(of: own))
            #expect(found.teamID == nil && found.owner == .user(ann))
            try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(teams, .master) }

            try await registry.createTeam(NewTeam(id: team))
            let later = try await fixture.principal(of: try await registry.createKey(NewKey(teamID: team)))
            #expect(try await fixture.list(later).files.isEmpty)
            try await expectBrokenRule(.fileAccessDenied) { _ = try await fixture.find(anns, later) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aDeletedKeyTakesOnlyFilesOfItsOwnAlong(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let bare = try await registry.createKey(NewKey())
            let lone = try await fixture.make(try await fixture.principal(of: bare))
            let made = try await registry.createUser(NewUser(id: ann), with: NewKey())
            let anns = try await fixture.make(try await fixture.principal(of: made.key))

            let deletion = try await registry.deleteKeys([.id(bare.record.id), .id(made.key.record.id)])

            #expect(deletion.fileCount == 1)
            try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(lone, .master) }
            #expect(try await fixture.find(anns, .master) == anns)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func theFilesOfALoneKeyGoWithItToItsFirstUser(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: ann))
            let key = try await registry.createKey(NewKey())
            let file = try await fixture.make(try await fixture.principal(of: key))

            try await registry.updateKey(.id(key.record.id), KeyChange(userID: ann))

            #expect(try await fixture.find(file, try await fixture.principal(of: key)).owner == .user(ann))
            #expect(try await registry.deleteKeys([.id(key.record.id)]).fileCount == 0)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anExpiredFileIsNotToldToALaterUserOfTheSameID(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let file = try await fixture.make(try await fixture.principal("ann"))
            _ = try await fixture.database.write { try $0.execute("UPDATE files SET status = 'expired'") }

            try await fixture.registry.deleteUsers([ann])

            let heir = try await fixture.principal("ann")
            try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(file, heir) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func repeatedUploadsAreNotRecognisedForALaterUser(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            _ = try await fixture.principal("ann")
            _ = try await fixture.database.write { connection in
                try connection.execute(
                    """
                    INSERT INTO upload_keys (owner_kind, owner_id, idempotency_key, fingerprint, file_id, created_at)
                    VALUES ('user', 'ann', 'i', 'f', $1, 0)
                    """,
                    [.blob([1])]
                )
            }

            try await fixture.registry.deleteUsers([ann])

            let left = try await fixture.database.read { try $0.query("SELECT * FROM upload_keys") }
            #expect(left.isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func ifOneCannotBeDeletedNoneIs(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let principal = try await fixture.principal("ann")
            let file = try await fixture.make(principal)
            try await registry.createTeam(NewTeam(id: team))

            try await expectRefusal(.notFound) { try await registry.deleteUsers([ann, UserID("missing")]) }
            try await expectRefusal(.notFound) { try await registry.deleteTeams([team, TeamID("missing")]) }
            try await expectRefusal(.notFound) { try await registry.deleteUsers([Principal.masterUser]) }

            #expect(try await fixture.find(file, principal) == file)
            #expect(try await registry.team(team).team.id == team)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aDeletedUsersKeysStopAtOnceHereAndWithinTwoSecondsElsewhere(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let made = try await fixture.registry.createUser(NewUser(id: ann), with: NewKey())
            let other = try await fixture.otherHost()
            _ = try await fixture.principal(of: made.key)
            _ = try await other.principal(forKey: made.key.text)

            try await fixture.registry.deleteUsers([ann])

            #expect(try await fixture.registry.principal(forKey: made.key.text) == .unknown)
            fixture.clock.advance(by: .seconds(2))
            #expect(try await other.principal(forKey: made.key.text) == .unknown)
        }
    }
}
