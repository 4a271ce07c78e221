import HostCore
import HostDatabase
import HostRegistry
import Testing

struct FileTests {
    @Test(arguments: DatabaseKind.allCases)
    func aFileBeginsWithAPendingCopyForEachTarget(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")

            let file = try await fixture.begin(alice, at: ["b", "a", "b"])

            #expect(file.status == .uploading)
            #expect(file.owner == alice.owner)
            #expect(file.copies.map(\.deployment.description) == ["b", "a"])
            #expect(file.copies.allSatisfy { $0.state == .pending && $0.providerID == nil })
            #expect(try await fixture.list(alice).files.isEmpty)
            for action in FileAction.allCases {
                try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(file, alice, action) }
                try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(file, .master, action) }
            }
            try await expectBrokenRule(.fileNotFound) {
                _ = try await fixture.registry.beginDelete(file.id, for: alice, clientID: "x")
            }
            try await expectBrokenRule(.fileNotFound) { _ = try await fixture.list(alice, after: file) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aFileIsReadyWhenEveryCopyIs(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let alice = try await fixture.principal("alice")
            let begun = try await fixture.begin(alice)
            let (a, b) = (DeploymentID("a"), DeploymentID("b"))
            let expiry = UnixTime(secondsSince1970: SettableClock.start + 10)

            try await registry.remember(begun.id, at: a, providerID: "file-1")
            try await registry.remember(begun.id, at: a, providerID: "file-1")
            try await expectRefusal(.conflict) { _ = try await registry.commitFile(begun.id) }
            try await registry.complete(begun.id, at: a, providerID: "file-1", expiresAt: expiry)
            try await expectRefusal(.conflict) { _ = try await registry.commitFile(begun.id) }
            try await registry.complete(begun.id, at: b, providerID: "gs://x", expiresAt: nil)
            let file = try await registry.commitFile(begun.id)

            #expect(file.status == .ready)
            #expect(file.copies.map(\.providerID) == ["file-1", "gs://x"])
            #expect(file.copies.map(\.state) == [.ready, .ready])
            #expect(file.copies.map(\.expiresAt) == [expiry, nil])
            #expect(file.targetNames == ["a", "b"])
            #expect(try await fixture.find(file, alice) == file)
            #expect(try await registry.commitFile(begun.id) == file)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aHashThatIsLearnedLateIsKeptFromTheCommitOn(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let alice = try await fixture.principal("alice")
            let begun = try await fixture.begin(alice, at: ["a"], sha256: nil)
            #expect(begun.sha256 == nil)
            try await registry.complete(begun.id, at: DeploymentID("a"), providerID: "file-1", expiresAt: nil)

            try await expectRefusal(.conflict) { _ = try await registry.commitFile(begun.id) }
            let file = try await registry.commitFile(begun.id, sha256: "abcd")

            #expect((file.status, file.sha256) == (.ready, "abcd"))
            #expect(try await fixture.find(file, alice).sha256 == "abcd")
            // A repeat finds it done, and changes nothing.
            #expect(try await registry.commitFile(begun.id, sha256: "eeee").sha256 == "abcd")
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aHashThatWasKnownIsNotReplaced(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let begun = try await fixture.begin(alice, at: ["a"])
            try await fixture.registry.complete(
                begun.id,
                at: DeploymentID("a"),
                providerID: "file-1",
                expiresAt: nil
            )

            #expect(try await fixture.registry.commitFile(begun.id, sha256: "eeee").sha256 == "00ff")
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aSecondCopyAtOneDeploymentNeverHidesTheFirst(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let file = try await fixture.begin(alice, at: ["a"])
            try await fixture.registry.remember(file.id, at: DeploymentID("a"), providerID: "first")

            try await expectRefusal(.conflict) {
                try await fixture.registry.remember(file.id, at: DeploymentID("a"), providerID: "second")
            }

            let found = try await fixture.otherHost().claimFiles(limit: 10)
            #expect(found.first?.copies.first?.providerID == "first")
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anAbandonedFileStaysUntilNoProviderHasACopy(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let alice = try await fixture.principal("alice")
            let undone = try await fixture.begin(alice, at: ["a"])
            try await registry.remember(undone.id, at: DeploymentID("a"), providerID: "x")
            try await registry.forget(undone.id, at: DeploymentID("a"), providerID: "x")
            let stuck = try await fixture.begin(alice, at: ["a"])
            try await registry.remember(stuck.id, at: DeploymentID("a"), providerID: "x")

            #expect(try await registry.abandonFile(undone.id))
            #expect(try await registry.abandonFile(undone.id))
            #expect(try await registry.abandonFile(stuck.id) == false)

            let left = try await registry.claimFiles(limit: 10)
            #expect(left.map(\.id) == [stuck.id])
            #expect(left.first?.status == .deleting)
            #expect(left.first?.copies.map(\.deployment.description) == ["a"])
            try await expectRefusal(.conflict) {
                try await registry.complete(stuck.id, at: DeploymentID("a"), providerID: "x", expiresAt: nil)
            }
            try await expectRefusal(.notFound) {
                try await registry.remember(undone.id, at: DeploymentID("a"), providerID: "late")
            }
            // Whoever made it is told to undo it, and it is written down all the same.
            try await expectRefusal(.notFound) {
                try await registry.remember(stuck.id, at: DeploymentID("b"), providerID: "late")
            }
            #expect(try await registry.finish(stuck.id) == false)
            for (deployment, id) in [("a", "x"), ("b", "late")] {
                try await registry.forget(stuck.id, at: DeploymentID(deployment), providerID: id)
            }
            #expect(try await registry.finish(stuck.id))
            fixture.clock.advance(by: .seconds(60))
            #expect(try await registry.claimFiles(limit: 10).isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aCommittedFileCannotBeAbandonedAndAnAbandonedOneNotCommitted(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let ready = try await fixture.make(alice)
            let given = try await fixture.begin(alice, at: ["a"])
            try await fixture.registry.remember(given.id, at: DeploymentID("a"), providerID: "x")
            try await fixture.registry.abandonFile(given.id)

            try await expectRefusal(.conflict) { try await fixture.registry.abandonFile(ready.id) }
            try await expectRefusal(.conflict) { _ = try await fixture.registry.commitFile(given.id) }
            try await expectRefusal(.notFound) {
                _ = try await fixture.registry.commitFile(FileID(uuid: .random()))
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aDeletionThatFailsHalfwayIsFinishedByARepeat(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let alice = try await fixture.principal("alice")
            let bob = try await fixture.principal("bob")
            let file = try await fixture.make(alice)

            let first = try await registry.beginDelete(file.id, for: alice, clientID: "x")
            #expect(first.status == .deleting)
            #expect(first.copies.count == 2)
            #expect(first.copies.allSatisfy { $0.state == .deleting && $0.providerID != nil })
            try await registry.forget(file.id, at: DeploymentID("a"), providerID: "file-a")
            #expect(try await registry.finish(file.id) == false)

            try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(file, alice) }
            #expect(try await fixture.list(alice).files.isEmpty)
            try await expectBrokenRule(.fileAccessDenied) {
                _ = try await registry.beginDelete(file.id, for: bob, clientID: "x")
            }
            let second = try await registry.beginDelete(file.id, for: alice, clientID: "x")
            #expect(second.copies.map(\.deployment.description) == ["b"])
            try await registry.forget(file.id, at: DeploymentID("b"), providerID: "file-b")
            try await registry.forget(file.id, at: DeploymentID("b"), providerID: "file-b")
            #expect(try await registry.finish(file.id))
            #expect(try await registry.finish(file.id))
            for principal in [alice, bob, .master] {
                try await expectBrokenRule(.fileNotFound) {
                    _ = try await registry.beginDelete(file.id, for: principal, clientID: "x")
                }
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aReadyFileIsNotRemovedWithoutADeletion(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let file = try await fixture.make(.master)
            try await expectRefusal(.conflict) { try await fixture.registry.finish(file.id) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func nothingButItsPlaceIsLeftOfADeletedFileAndThatForADay(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let file = try await fixture.make(alice, filename: "secret-plan.pdf")
            try await fixture.delete(file, alice)

            let rows = try await fixture.database.read { try $0.query("SELECT * FROM files") }
            #expect(!"\(rows)".contains("secret-plan"))
            fixture.clock.advance(by: .seconds(86_401))
            try await fixture.delete(try await fixture.make(alice), alice)
            try await fixture.registry.dropOldRecords()

            let count = try await fixture.database.read { try $0.query("SELECT * FROM files").count }
            #expect(count == 1)
            #expect(try await fixture.database.read { try $0.query("SELECT * FROM file_copies").count } == 0)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anExpiredFileSaysSoToItsOwnerAndCanStillBeDeleted(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let expiry = UnixTime(secondsSince1970: SettableClock.start + 60)
            let file = try await fixture.make(alice, expiresAt: expiry)
            _ = try await fixture.registry.files([fixture.reference(file)], for: alice)
            #expect(try await fixture.list(alice).files.count == 1)

            fixture.clock.advance(by: .seconds(60))

            try await expectBrokenRule(.fileExpired) { _ = try await fixture.find(file, alice) }
            try await expectBrokenRule(.fileExpired) {
                _ = try await fixture.registry.files([fixture.reference(file)], for: alice)
            }
            #expect(try await fixture.list(alice).files.isEmpty)
            try await fixture.delete(file, alice)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func namesWithNULOrWithoutEndAreRefused(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            for name in ["a\0b", String(repeating: "x", count: 4097)] {
                try await expectRefusal(.invalid) { _ = try await fixture.begin(.master, filename: name) }
            }
            try await expectRefusal(.invalid) { _ = try await fixture.begin(.master, at: []) }
            let odd = "../../etc/passwd\r\n'\"; DROP TABLE files; -- \u{202e}"
            let file = try await fixture.make(.master, filename: odd)
            #expect(try await fixture.find(file, .master).filename == odd)
        }
    }
}
