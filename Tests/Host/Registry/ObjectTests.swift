import HostCore
import HostRegistry
import Testing

extension RegistryFixture {
    /// A batch that is being made.
    func beginBatch(
        _ principal: Principal,
        derived: FileID? = nil,
        kind: ManagedObjectKind = .batch
    ) async throws -> ManagedObject {
        let origin = ManagedObject.Origin(
            id: ObjectID(kind, uuid: .random()),
            owner: principal.owner,
            teamID: principal.teamID,
            deployment: DeploymentID("a"),
            modelName: "gpt",
            derivedID: derived,
            outputID: FileID(uuid: .random()),
            errorID: FileID(uuid: .random())
        )
        return try await registry.beginObject(origin, ObjectReport(status: "validating", document: "{}"))
    }

    /// A batch that its provider works on.
    func openBatch(
        _ principal: Principal,
        derived: FileID? = nil,
        due: Int64? = 5,
        kind: ManagedObjectKind = .batch
    ) async throws -> ManagedObject {
        let begun = try await beginBatch(principal, derived: derived, kind: kind)
        try await registry.remember(begun.id, providerID: "p-\(begun.id.uuid.text)")
        return try await registry.openObject(
            begun.id,
            ObjectReport(status: "in_progress", document: #"{"a":1}"#),
            due: due
        )
    }

    func hiddenFile(_ principal: Principal) async throws -> ManagedFile {
        let file = try await begin(principal, at: ["a"], purpose: .batch)
        let there = DeploymentID("a")
        try await registry.complete(file.id, at: there, providerID: "in-\(file.id.uuid.text)", expiresAt: nil)
        return try await registry.commitFile(file.id, as: .internal)
    }

    func find(
        _ object: ManagedObject,
        _ principal: Principal,
        _ action: FileAction = .read
    ) async throws
        -> ManagedObject
    {
        try await registry.object(reference(object), for: principal, action: action)
    }

    func reference(_ object: ManagedObject) -> RequestedObject { RequestedObject(id: object.id, clientID: "batch_x") }

    func settlement(_ object: ManagedObject, hasOutput: Bool = true) -> ObjectSettlement {
        let output = object.origin.outputID.map { id in
            ObjectSettlement.ResultFile(
                id: id,
                providerID: "out-1",
                purpose: .batchOutput,
                filename: "output.jsonl",
                mimeType: "application/jsonl",
                sizeInBytes: 7,
                expiresAt: nil
            )
        }
        return ObjectSettlement(
            report: ObjectReport(status: "completed", document: #"{"b":2}"#),
            usage: #"{"total_tokens":3}"#,
            files: hasOutput ? [output].compactMap { $0 } : []
        )
    }
}

struct ObjectTests {
    private let pace = PollPace(first: 5, longest: 300)

    @Test(arguments: DatabaseKind.allCases)
    func nobodySeesAnObjectBeforeItExistsAndOnlyItsOwnAfterwards(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let bob = try await fixture.principal("bob")
            let begun = try await fixture.beginBatch(alice)

            try await expectBrokenRule(.batchNotFound) { _ = try await fixture.find(begun, alice) }
            try await expectBrokenRule(.batchNotFound) { _ = try await fixture.find(begun, .master) }
            try await expectRefusal(.conflict) {
                let report = ObjectReport(status: "x", document: "{}")
                _ = try await fixture.registry.openObject(begun.id, report, due: nil)
            }
            try await fixture.registry.remember(begun.id, providerID: "p")
            let report = ObjectReport(status: "in_progress", document: "{}")
            let opened = try await fixture.registry.openObject(begun.id, report, due: 5)

            #expect(opened.providerID == "p")
            #expect(opened.stage == .open)
            #expect(opened.origin == begun.origin)
            #expect(try await fixture.find(begun, alice) == opened)
            #expect(try await fixture.find(begun, .master) == opened)
            try await expectBrokenRule(.batchAccessDenied) { _ = try await fixture.find(begun, bob) }
            let asJob = RequestedObject(id: ObjectID(.job, uuid: begun.id.uuid), clientID: "x")
            try await expectBrokenRule(.jobNotFound) {
                _ = try await fixture.registry.object(asJob, for: alice, action: .read)
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func listsArePagedMergedWithTheTeamsAndOfOneKind(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            _ = try await fixture.registry.createTeam(NewTeam(id: TeamID("red")))
            let teamKey = try await fixture.registry.createKey(NewKey(teamID: TeamID("red")))
            let service = try await fixture.principal(of: teamKey)
            let aliceInTeam = Principal(
                keyID: alice.keyID,
                userID: alice.userID,
                teamID: TeamID("red"),
                role: .user,
                models: .all
            )
            var own: [ManagedObject] = []
            for index in 0..<9 {
                own.append(try await fixture.openBatch(index % 3 == 0 ? service : alice))
                _ = try await fixture.openBatch(try await fixture.principal("u\(index)"))
                _ = try await fixture.beginBatch(alice)
                _ = try await fixture.openBatch(alice, kind: .job)
            }

            for limit in [1, 2, 4, 9, 100] {
                var seen: [ManagedObject] = []
                var hasMore = true
                while hasMore {
                    let listing = try ObjectListing(.batch, limit: limit, after: seen.last.map(fixture.reference))
                    let page = try await fixture.registry.listObjects(for: aliceInTeam, listing)
                    seen += page.objects
                    hasMore = page.hasMore
                    #expect(hasMore == (seen.count < 9))
                }
                #expect(seen == own.reversed())
            }
            let foreign = try ObjectListing(.batch, after: fixture.reference(own[1]))
            try await expectBrokenRule(.batchAccessDenied) {
                _ = try await fixture.registry.listObjects(for: service, foreign)
            }
            let all = try await fixture.registry.listObjects(for: .master, try ObjectListing(.batch, limit: 100))
            #expect(all.objects.count == 18)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatIsDueIsTakenOnceAndLaterTheOlderItIs(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let other = try await fixture.otherHost()
            for _ in 0..<10 { _ = try await fixture.openBatch(alice) }
            _ = try await fixture.openBatch(alice, due: nil)
            #expect(try await fixture.registry.takeDueObjects(.batch, pace: pace, limit: 100).isEmpty)

            fixture.clock.advance(by: .seconds(5))
            let taken = try await withThrowingTaskGroup(of: [ManagedObject].self) { group in
                for index in 0..<8 {
                    let registry = index % 2 == 0 ? fixture.registry : other
                    group.addTask { try await registry.takeDueObjects(.batch, pace: pace, limit: 3) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(taken.count == 10)
            #expect(Set(taken.map(\.id)).count == 10)

            fixture.clock.advance(by: .seconds(1200 - 5))
            #expect(try await other.takeDueObjects(.batch, pace: pace, limit: 100).count == 10)
            fixture.clock.advance(by: .seconds(99))
            #expect(try await other.takeDueObjects(.batch, pace: pace, limit: 100).isEmpty)
            fixture.clock.advance(by: .seconds(1))
            #expect(try await other.takeDueObjects(.batch, pace: pace, limit: 100).count == 10)
            fixture.clock.advance(by: .seconds(1_000_000))
            #expect(try await other.takeDueObjects(.batch, pace: pace, limit: 100).count == 10)
            fixture.clock.advance(by: .seconds(300))
            #expect(try await other.takeDueObjects(.batch, pace: pace, limit: 100).count == 10)
            #expect(try await other.takeDueObjects(.job, pace: pace, limit: 100).isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aPostponedObjectIsDueLaterAndWhatIsMissingIsRemembered(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let open = try await fixture.openBatch(.master, due: 0)
            let first = try #require(try await registry.takeDueObjects(.batch, pace: pace, limit: 1).first)

            try await registry.postponeObject(first, atLeast: .seconds(40), isMissing: true)
            fixture.clock.advance(by: .seconds(39))
            #expect(try await registry.takeDueObjects(.batch, pace: pace, limit: 1).isEmpty)
            fixture.clock.advance(by: .seconds(1))
            let second = try #require(try await registry.takeDueObjects(.batch, pace: pace, limit: 1).first)
            #expect(second.state.failures == 1)
            #expect(second.state.missingSince?.secondsSince1970 == SettableClock.start)

            let updated = try await registry.updateObject(open.id, ObjectReport(status: "y", document: "{}"))
            #expect(updated?.state.failures == 0)
            #expect(updated?.state.missingSince == nil)
            #expect(updated?.state.status == "y")
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anObjectEndsOnceAndItsFilesAreTheOwnersInTheSameMoment(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let bob = try await fixture.principal("bob")
            let hidden = try await fixture.hiddenFile(alice)
            let batch = try await fixture.openBatch(alice, derived: hidden.id)
            let other = try await fixture.otherHost()
            #expect(try await fixture.registry.beginSettling(batch.id))
            #expect(try await !other.beginSettling(batch.id))
            #expect(try await fixture.find(batch, alice).state.status == "in_progress")
            #expect(try await fixture.registry.updateObject(batch.id, ObjectReport(status: "z", document: "")) == nil)

            let ends = try await withThrowingTaskGroup(of: Bool.self) { group in
                for registry in [fixture.registry, other, fixture.registry, other] {
                    group.addTask { try await registry.settleObject(batch.id, fixture.settlement(batch)) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(ends.count(where: { $0 }) == 1)
            let ended = try await fixture.find(batch, alice)
            #expect(ended.stage == .settled)
            #expect(ended.state.usage == #"{"total_tokens":3}"#)
            #expect(ended.origin.outputID == batch.origin.outputID)
            #expect(ended.origin.errorID == nil)
            let page = try await fixture.list(alice)
            #expect(page.files.map(\.id) == [batch.origin.outputID])
            let output = try await fixture.find(try #require(page.files.first), alice)
            #expect(output.copies.map(\.providerID) == ["out-1"])
            #expect(output.purpose == .batchOutput)
            try await expectBrokenRule(.fileAccessDenied) { _ = try await fixture.find(output, bob) }
            let claimed = try await other.claimFiles(limit: 10)
            #expect(claimed.map(\.id) == [hidden.id])
            #expect(try await fixture.registry.takeDueObjects(.batch, pace: pace, limit: 9).isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whoeverPollsGoesOnWithWhatADeadHostWasSettling(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let batch = try await fixture.openBatch(.master)
            _ = try await fixture.registry.beginSettling(batch.id)
            let other = try await fixture.otherHost()
            fixture.clock.advance(by: .seconds(100))
            #expect(try await fixture.registry.continueSettling(batch.id))
            fixture.clock.advance(by: .seconds(100))
            #expect(try await other.takeDueObjects(.batch, pace: pace, limit: 9).isEmpty)
            fixture.clock.advance(by: .seconds(20))

            let taken = try await other.takeDueObjects(.batch, pace: pace, limit: 9)

            #expect(taken.map(\.stage) == [.settling])
            #expect(try await fixture.registry.takeDueObjects(.batch, pace: pace, limit: 9).isEmpty)
            #expect(try await other.settleObject(batch.id, fixture.settlement(batch, hasOutput: false)))
            #expect(try await fixture.find(batch, .master).origin.outputID == nil)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aHiddenFileIsNeitherListedNorFound(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let hidden = try await fixture.hiddenFile(alice)

            for principal in [alice, .master] {
                #expect(try await fixture.list(principal).files.isEmpty)
                for action in FileAction.allCases {
                    try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(hidden, principal, action) }
                }
                try await expectBrokenRule(.fileNotFound) { _ = try await fixture.list(principal, after: hidden) }
            }
            #expect(try await fixture.registry.claimFiles(limit: 10).isEmpty)
        }
    }
}
