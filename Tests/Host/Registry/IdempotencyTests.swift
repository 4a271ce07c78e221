import HostCore
import HostRegistry
import Testing

struct IdempotencyTests {
    private func new(_ principal: Principal) -> NewFile {
        NewFile(
            for: principal,
            purpose: .userData,
            filename: "paper.pdf",
            mimeType: "application/pdf",
            content: FileContent(sizeInBytes: 3, sha256: "00ff"),
            targetNames: ["a"]
        )
    }

    private func begin(
        _ registry: Registry,
        _ principal: Principal,
        key: String = "key-1",
        fingerprint: String = "print"
    ) async throws -> FileBeginning {
        try await registry.beginFile(
            new(principal),
            targets: [DeploymentID("a")],
            unlessMadeWith: IdempotencyKey(text: key, fingerprint: fingerprint)
        )
    }

    private func begun(_ beginning: FileBeginning) throws -> ManagedFile {
        guard case .begun(let file) = beginning else {
            throw RegistryError(.conflict, "The file is not new: \(beginning)")
        }
        return file
    }

    private func commit(_ file: ManagedFile, _ registry: Registry) async throws -> ManagedFile {
        try await registry.complete(file.id, at: DeploymentID("a"), providerID: "p", expiresAt: nil)
        return try await registry.commitFile(file.id)
    }

    @Test(arguments: DatabaseKind.allCases)
    func aRepeatFindsTheFirstFile(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let alice = try await fixture.principal("alice")
            let file = try begun(try await begin(registry, alice))

            #expect(try await begin(registry, alice) == .underWay)
            let made = try await commit(file, registry)

            #expect(try await begin(try await fixture.otherHost(), alice) == .made(made))
            #expect(try await fixture.list(alice).files.map(\.id) == [made].map(\.id))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyIsItsOwnersAlone(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let alice = try await fixture.principal("alice")
            let bob = try await fixture.principal("bob")
            _ = try await commit(try begun(try await begin(registry, alice)), registry)

            _ = try begun(try await begin(registry, bob))
            _ = try begun(try await begin(registry, alice, key: "key-2"))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyThatWasUsedForSomethingElseIsRefused(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let alice = try await fixture.principal("alice")
            _ = try begun(try await begin(registry, alice))

            try await expectRefusal(.conflict) { _ = try await begin(registry, alice, fingerprint: "other") }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func afterAFailureOrADeletionTheKeyMakesANewFile(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let alice = try await fixture.principal("alice")
            let failed = try begun(try await begin(registry, alice))
            try await registry.forget(failed.id, at: DeploymentID("a"), providerID: nil)
            try await registry.abandonFile(failed.id)

            let second = try begun(try await begin(registry, alice))
            let made = try await commit(second, registry)
            try await fixture.delete(made, alice)
            let third = try begun(try await begin(registry, alice, fingerprint: "other"))

            #expect(Set([failed.id, second.id, third.id]).count == 3)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func ofManyAtOnceOneMakesTheFile(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let hosts = [fixture.registry, try await fixture.otherHost(), try await fixture.otherHost()]

            let beginnings = try await withThrowingTaskGroup(of: FileBeginning.self) { group in
                for number in 0..<24 { group.addTask { try await begin(hosts[number % 3], alice) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(beginnings.filter { $0 == .underWay }.count == 23)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyIsKnownForADay(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let alice = try await fixture.principal("alice")
            let made = try await commit(try begun(try await begin(registry, alice)), registry)
            fixture.clock.advance(by: .seconds(86_399))
            try await registry.dropOldRecords()
            #expect(try await begin(registry, alice) == .made(made))

            fixture.clock.advance(by: .seconds(2))
            try await registry.dropOldRecords()

            _ = try begun(try await begin(registry, alice))
        }
    }
}
