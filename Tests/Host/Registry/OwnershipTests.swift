import HostCore
import HostRegistry
import Testing

/// The registry gives out exactly what `Principal.may(_:_:)` allows, by every way there is.
struct OwnershipTests {
    /// A generator that repeats itself, so that a failure can be run again.
    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    @Test(arguments: 0..<12 as Range<UInt64>, DatabaseKind.allCases)
    func everyWayToAFileAsksTheRule(seed: UInt64, kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            var random = SplitMix(state: seed)
            try await Self.makeOwners(fixture)
            let principals = (0..<12).map { _ in Self.principal(using: &random) }
            var files: [ManagedFile] = []
            for _ in 0..<30 {
                guard let maker = principals.randomElement(using: &random) else { continue }
                files.append(try await fixture.make(maker, at: ["a"]))
            }

            for principal in principals {
                let readable = files.filter { principal.may(.read, $0) }
                #expect(try await fixture.list(principal).files.map(\.id) == readable.reversed().map(\.id))
                var paged = try await fixture.list(principal, limit: 4, order: .oldestFirst)
                var seen = paged.files
                while paged.hasMore {
                    paged = try await fixture.list(principal, limit: 4, after: seen.last, order: .oldestFirst)
                    seen += paged.files
                }
                #expect(seen.map(\.id) == readable.map(\.id))
                for file in files { try await check(file, principal, fixture) }
            }
        }
    }

    private func check(_ file: ManagedFile, _ principal: Principal, _ fixture: RegistryFixture) async throws {
        for action in FileAction.allCases {
            if principal.may(action, file) {
                #expect(try await fixture.find(file, principal, action) == file)
            } else {
                try await expectBrokenRule(.fileAccessDenied) { _ = try await fixture.find(file, principal, action) }
            }
        }
        if principal.may(.read, file) {
            #expect(try await fixture.registry.files([fixture.reference(file)], for: principal)[file.id] == file)
        } else {
            try await expectBrokenRule(.fileAccessDenied) {
                _ = try await fixture.registry.files([fixture.reference(file)], for: principal)
            }
            try await expectBrokenRule(.fileAccessDenied) { _ = try await fixture.list(principal, after: file) }
        }
        if !principal.may(.delete, file) {
            try await expectBrokenRule(.fileAccessDenied) {
                _ = try await fixture.registry.beginDelete(file.id, for: principal, clientID: "x")
            }
        }
    }

    /// The names are few and the same for users, teams and keys, so that they meet.
    private static let names = ["a", "b", "c"]

    private static func makeOwners(_ fixture: RegistryFixture) async throws {
        for name in names {
            try await fixture.registry.createUser(NewUser(id: UserID(name)))
            try await fixture.registry.createTeam(NewTeam(id: TeamID(name)))
            let key = try await fixture.registry.createKey(NewKey(alias: name))
            try await fixture.execute("UPDATE keys SET id = '\(name)' WHERE id = '\(key.record.id)'")
        }
    }

    private static func principal(using random: inout SplitMix) -> Principal {
        let user = Bool.random(using: &random) ? names.randomElement(using: &random) : nil
        let team = Bool.random(using: &random) ? names.randomElement(using: &random) : nil
        let roles: [Role] = [.user, .user, .user, .user, .viewer, .admin]
        return Principal(
            keyID: KeyID(names.randomElement(using: &random) ?? "a"),
            userID: user.map { UserID($0) },
            teamID: team.map { TeamID($0) },
            role: roles.randomElement(using: &random) ?? .user,
            models: .all
        )
    }
}
