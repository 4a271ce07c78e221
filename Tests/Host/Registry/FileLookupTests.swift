import HostCore
import HostDatabase
import HostRegistry
import Testing

struct FileLookupTests {
    @Test(arguments: DatabaseKind.allCases)
    func manyFilesAreFoundAtOnceAndThenFromMemory(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            var files: [ManagedFile] = []
            for _ in 0..<10 { files.append(try await fixture.make(alice)) }
            let requested = (files + [files[0]]).map(fixture.reference)
            #expect(try fixture.registry.cachedFiles(requested, for: alice) == nil)

            let found = try await fixture.registry.files(requested, for: alice)

            #expect(found == Dictionary(uniqueKeysWithValues: files.map { ($0.id, $0) }))
            #expect(try fixture.registry.cachedFiles(requested, for: alice) == found)
            #expect(try await fixture.registry.files([], for: alice).isEmpty)
            fixture.clock.advance(by: .seconds(2))
            #expect(try fixture.registry.cachedFiles(requested, for: alice) == nil)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func memoryKnowsNoOwnerButTheFilesOwn(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let bob = try await fixture.principal("bob")
            let mine = try await fixture.make(alice)
            let theirs = try await fixture.make(bob)
            _ = try await fixture.registry.files([fixture.reference(mine)], for: alice)
            _ = try await fixture.registry.files([fixture.reference(theirs)], for: bob)

            let error = #expect(throws: RuleError.self) {
                try fixture.registry.cachedFiles([fixture.reference(mine), fixture.reference(theirs)], for: alice)
            }

            #expect(error?.code == .fileAccessDenied)
            #expect(error?.message == "User alice does not have access to the file file-x")
            try await expectBrokenRule(.fileAccessDenied) {
                _ = try await fixture.registry.files([fixture.reference(theirs)], for: alice)
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func theFirstReferenceThatFailsIsTheOneReported(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let file = try await fixture.make(alice)
            let absent = ["one", "two"].map { RequestedFile(id: FileID(uuid: .random()), clientID: $0) }

            let error = await #expect(throws: RuleError.self) {
                try await fixture.registry.files([fixture.reference(file)] + absent, for: alice)
            }

            #expect(error == .fileNotFound("one"))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aDeletedFileIsForgottenAtOnceHereAndWithinTwoSecondsElsewhere(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let file = try await fixture.make(alice)
            let other = try await fixture.otherHost()
            let requested = [fixture.reference(file)]
            for registry in [fixture.registry, other] { _ = try await registry.files(requested, for: alice) }

            _ = try await fixture.registry.beginDelete(file.id, for: alice, clientID: "x")

            try await expectBrokenRule(.fileNotFound) { _ = try await fixture.registry.files(requested, for: alice) }
            fixture.clock.advance(by: .seconds(2))
            try await expectBrokenRule(.fileNotFound) { _ = try await other.files(requested, for: alice) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aCopyThatIsForgottenIsForgottenInMemoryToo(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let file = try await fixture.make(alice)
            _ = try await fixture.registry.files([fixture.reference(file)], for: alice)

            try await fixture.registry.forget(file.id, at: DeploymentID("a"), providerID: "file-a")

            let found = try await fixture.registry.files([fixture.reference(file)], for: alice)
            #expect(found[file.id]?.copies.map(\.deployment.description) == ["b"])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func thousandsOfReferencesAreFound(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let file = try await fixture.make(alice)
            let absent = (0..<3000).map { _ in RequestedFile(id: FileID(uuid: .random()), clientID: "absent") }

            try await expectBrokenRule(.fileNotFound) {
                _ = try await fixture.registry.files([fixture.reference(file)] + absent, for: alice)
            }
        }
    }
}
