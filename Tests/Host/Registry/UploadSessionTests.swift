import HostCore
import HostRegistry
import Testing

/// Uploads in parts, until they are completed.
struct UploadSessionTests {
    @Test(arguments: DatabaseKind.allCases)
    func anUploadIsFoundAsItWasBegun(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")

            let upload = try await fixture.beginUpload(alice)

            #expect(upload.status == .pending)
            #expect(upload.owner == alice.owner)
            #expect(upload.expiresAt == upload.createdAt.advanced(bySeconds: 3600))
            #expect(upload.terms.expiresAfterSeconds == 7200)
            #expect(try await fixture.find(upload, alice) == upload)
            #expect(try await fixture.registry.openUploads(among: [upload.id.uuid]) == [upload.id.uuid])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func nobodyElseCanDoAnythingWithIt(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let (alice, bob) = (try await fixture.principal("alice"), try await fixture.principal("bob"))
            let upload = try await fixture.beginUpload(alice)
            let part = try await fixture.add(10, to: upload, alice)

            try await expectBrokenRule(.uploadAccessDenied) { _ = try await fixture.find(upload, bob) }
            try await expectBrokenRule(.uploadAccessDenied) { _ = try await fixture.add(1, to: upload, bob) }
            try await expectBrokenRule(.uploadAccessDenied) { _ = try await fixture.take(upload, [part], bob) }
            try await expectBrokenRule(.uploadAccessDenied) {
                _ = try await fixture.registry.cancelUpload(fixture.reference(upload), for: bob)
            }

            let unknown = RequestedObject(id: ObjectID(.upload, uuid: .random()), clientID: "upload_y")
            try await expectBrokenRule(.uploadNotFound) { _ = try await fixture.registry.upload(unknown, for: alice) }
            #expect(try await fixture.find(upload, .master).id == upload.id)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func partsOfDifferentContentHaveNoMoreThanTheUploadTogether(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let upload = try await fixture.beginUpload(.master, bytes: 10)
            let reference = fixture.reference(upload)
            let (first, same, last) = (fixture.part(6, "aa"), fixture.part(6, "aa"), fixture.part(4, "bb"))

            #expect(try await fixture.registry.note(first, of: reference, for: .master).isEmpty)
            try await expectBrokenRule(.invalidRequest) { _ = try await fixture.add(5, to: upload, .master) }
            #expect(try await fixture.registry.note(same, of: reference, for: .master) == [first])
            // The outcome of the first try was not known.
            #expect(try await fixture.registry.note(same, of: reference, for: .master) == [first])
            #expect(try await fixture.registry.note(last, of: reference, for: .master).isEmpty)
            try await expectBrokenRule(.invalidRequest) { _ = try await fixture.add(1, to: upload, .master) }

            #expect(Set(try await fixture.registry.parts(of: upload.id)) == [first, same, last])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func partsThatComeTogetherAreCountedTogether(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let upload = try await fixture.beginUpload(.master, bytes: 5)

            let noted = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        do {
                            _ = try await fixture.add(1, to: upload, .master)
                            return true
                        } catch {
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }

            #expect(noted == 5)
            #expect(try await fixture.registry.parts(of: upload.id).count == 5)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anUploadHasALimitedNumberOfParts(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let upload = try await fixture.beginUpload(.master)
            try await fixture.execute("UPDATE uploads SET part_count = \(UploadSession.maximumParts)")

            try await expectBrokenRule(.tooLarge) { _ = try await fixture.add(1, to: upload, .master) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aCancelledUploadTakesNothingAndIsCancelledAgain(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let upload = try await fixture.beginUpload(.master)
            let part = try await fixture.add(10, to: upload, .master)

            #expect(try await registry.cancelUpload(fixture.reference(upload), for: .master).status == .cancelled)

            #expect(try await registry.cancelUpload(fixture.reference(upload), for: .master).status == .cancelled)
            #expect(try await registry.parts(of: upload.id).isEmpty)
            #expect(try await registry.openUploads(among: [upload.id.uuid]).isEmpty)
            try await expectBrokenRule(.uploadCancelled) { _ = try await fixture.add(1, to: upload, .master) }
            try await expectBrokenRule(.uploadCancelled) { _ = try await fixture.take(upload, [part], .master) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anUploadIsOverAfterAnHourWhetherOrNotItWasSwept(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let upload = try await fixture.beginUpload(.master)
            let part = try await fixture.add(10, to: upload, .master)
            fixture.clock.advance(by: .seconds(3599))
            try await registry.expireUploads()
            #expect(try await fixture.find(upload, .master).status == .pending)
            fixture.clock.advance(by: .seconds(1))

            for isSwept in [false, true] {
                if isSwept { try await registry.expireUploads() }
                try await expectBrokenRule(.uploadExpired) { _ = try await fixture.add(1, to: upload, .master) }
                try await expectBrokenRule(.uploadExpired) { _ = try await fixture.take(upload, [part], .master) }
                try await expectBrokenRule(.uploadExpired) {
                    _ = try await registry.cancelUpload(fixture.reference(upload), for: .master)
                }
                #expect(try await registry.parts(of: upload.id).isEmpty == isSwept)
            }
            #expect(try await fixture.find(upload, .master).status == .expired)
            fixture.clock.advance(by: .seconds(30 * 86_400 + 1))
            try await registry.dropOldRecords()
            try await expectBrokenRule(.uploadNotFound) { _ = try await fixture.find(upload, .master) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatOneOwnerLeftIsNotInheritedByTheNext(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let upload = try await fixture.beginUpload(alice)
            _ = try await fixture.add(10, to: upload, alice)

            _ = try await fixture.registry.deleteUsers([UserID("alice")])

            let next = try await fixture.principal("alice")
            try await expectBrokenRule(.uploadNotFound) { _ = try await fixture.find(upload, next) }
            #expect(try await fixture.rows("SELECT id FROM upload_parts").isEmpty)
            try await expectRefusal(.conflict) {
                _ = try await fixture.registry.deleteUsers([UserID("alice")])
                _ = try await fixture.beginUpload(alice)
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aTeamsUploadOutlivesWhoeverBeganIt(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            _ = try await registry.createTeam(NewTeam(id: TeamID("red")))
            _ = try await registry.createUser(NewUser(id: UserID("alice")), with: NewKey())
            let key = try await registry.createKey(NewKey(userID: UserID("alice"), teamID: TeamID("red")))
            let mate = try await fixture.principal(
                of: try await registry.createKey(NewKey(userID: nil, teamID: TeamID("red")))
            )
            let upload = try await fixture.beginUpload(try await fixture.principal(of: key))
            #expect(try await fixture.find(upload, mate).id == upload.id)

            _ = try await registry.deleteUsers([UserID("alice")])

            #expect(try await fixture.find(upload, mate).owner == .team(TeamID("red")))
        }
    }
}
