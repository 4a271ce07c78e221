import HostCore
import HostDatabase
import HostRegistry
import Testing

struct UserTests {
    @Test(arguments: DatabaseKind.allCases)
    func aUsersRecordComesBackWithItsKeys(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let new = NewUser(
                id: UserID("user_123"),
                alias: "Ann",
                email: "ann@example.com",
                role: .viewer,
                models: ["a"],
                metadata: "{}",
                maximumBudget: 1
            )

            let made = try await fixture.registry.createUser(new, with: NewKey(alias: "first"))

            let user = try await fixture.registry.user(UserID("user_123"))
            #expect(user.keys == [made.key.record])
            #expect(user.alias == "Ann")
            #expect(user.email == "ann@example.com")
            #expect(user.role == .viewer)
            #expect(user.models == ["a"])
            #expect(user.metadata == "{}")
            #expect(user.maximumBudget == 1)
            #expect(user.createdAt == fixture.clock.now())
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aUserWhoseKeyCannotBeMadeIsNotMadeEither(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let new = NewUser(id: UserID("u"), models: ["a"])
            try await expectRefusal(.invalid) {
                _ = try await fixture.registry.createUser(new, with: NewKey(models: ["b"]))
            }
            try await expectRefusal(.notFound) { _ = try await fixture.registry.user(UserID("u")) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aTakenIDIsAConflictEvenInARace(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let made = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        do {
                            try await registry.createUser(NewUser(id: UserID("u")))
                            return 1
                        } catch {
                            return 0
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(made == 1)
            try await expectRefusal(.conflict) { try await registry.createUser(NewUser(id: UserID("u"))) }
            try await registry.createTeam(NewTeam(id: TeamID("t")))
            try await expectRefusal(.conflict) { try await registry.createTeam(NewTeam(id: TeamID("t"))) }
        }
    }

    @Test(
        arguments: [
            "a", "user@example.com", "Robert'); DROP TABLE files;--", "100%_\\", "$1", "名前", "e\"x", "a b",
            String(repeating: "x", count: 256), String(repeating: "名", count: 256),
        ],
        DatabaseKind.allCases
    )
    func anyPrintableIDWorksAndOwnsItsOwnFilesAlone(id: String, kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let owner = try await fixture.principal(id)
            let stranger = try await fixture.principal("stranger")
            let file = try await fixture.make(owner, at: [id], filename: id)

            #expect(try await fixture.find(file, owner).filename == id)
            #expect(try await fixture.list(owner, deployments: [id]).files.map(\.id) == [file].map(\.id))
            #expect(try await fixture.list(stranger).files.isEmpty)
            try await expectBrokenRule(.fileAccessDenied) { _ = try await fixture.find(file, stranger) }
            #expect(try await fixture.registry.user(UserID(id)).id == UserID(id))
        }
    }

    @Test(
        arguments: [
            "", " a", "a ", "a\n", "a\0", "a\u{7f}", "a\u{200b}b", "a\u{202e}b", "\u{2028}", "e\u{301}", "\u{212b}",
            "a\u{a0}b", "\u{e000}", "default_user_id", String(repeating: "x", count: 257),
        ],
        DatabaseKind.allCases
    )
    func anIDThatCannotBeReadOrIsReservedIsRefused(id: String, kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await expectRefusal(.invalid) { try await fixture.registry.createUser(NewUser(id: UserID(id))) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func fieldsBeyondTheirLimitsAreRefused(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let long = String(repeating: "x", count: 257)
            let wrong = [
                NewUser(alias: long), NewUser(email: "a\r\nb"), NewUser(models: [""]), NewUser(models: [long]),
                NewUser(models: Array(repeating: "m", count: 1001)), NewUser(maximumBudget: -1),
                NewUser(maximumBudget: .nan), NewUser(metadata: String(repeating: "x", count: 65_537)),
            ]
            for new in wrong {
                try await expectRefusal(.invalid) { try await fixture.registry.createUser(new) }
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aChangeOfAUserReachesItsKeysAtOnceAndElsewhereWithinTwoSeconds(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let new = NewUser(id: UserID("u"), alias: "Ann", email: "a@example.com", models: ["a"], metadata: "{}")
            let made = try await registry.createUser(new, with: NewKey())
            let other = try await fixture.otherHost()
            _ = try await other.principal(forKey: made.key.text)
            #expect(try await fixture.principal(of: made.key).role == .user)

            let changed = try await registry.updateUser(
                UserID("u"),
                UserChange(alias: "", role: .viewer, models: ["b"], maximumBudget: 3)
            )

            #expect(changed.alias == nil && changed.email == "a@example.com" && changed.metadata == "{}")
            #expect(changed.maximumBudget == 3)
            let principal = try await fixture.principal(of: made.key)
            #expect(principal.role == .viewer && principal.models == .only(["b"]))
            fixture.clock.advance(by: .seconds(2))
            #expect(try await other.principal(forKey: made.key.text) == .principal(principal))
            try await expectRefusal(.notFound) { try await registry.updateUser(UserID("x"), UserChange()) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func listsShowUsersWithTheNumberOfTheirKeys(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            for n in 0..<3 {
                let email = "u\(n)@example.com"
                let role = n == 2 ? Role.viewer : .user
                try await registry.createUser(NewUser(id: UserID("u\(n)"), email: email, role: role))
                for _ in 0..<n { _ = try await registry.createKey(NewKey(userID: UserID("u\(n)"))) }
                fixture.clock.advance(by: .seconds(1))
            }
            try await registry.createTeam(NewTeam(id: TeamID("t"), members: [TeamMember(userID: UserID("u0"))]))

            let all = try await registry.users(UserFilter(), page: PageRequest())
            func ids(_ filter: UserFilter) async throws -> [String] {
                try await registry.users(filter, page: PageRequest()).records.map(\.user.id.description)
            }

            #expect(all.records.map(\.user.id.description) == ["u2", "u1", "u0"])
            #expect(all.records.map(\.keyCount) == [2, 1, 0] && all.totalCount == 3)
            #expect(try await ids(UserFilter(role: .viewer)) == ["u2"])
            #expect(try await ids(UserFilter(email: "u1@example.com")) == ["u1"])
            #expect(try await ids(UserFilter(teamID: TeamID("t"))) == ["u0"])
            #expect(
                try await ids(UserFilter(ids: [UserID("u0"), UserID("x"), UserID("u1")], role: .user)) == ["u1", "u0"]
            )
        }
    }
}
