import HostCore
import HostDatabase
import HostRegistry
import Testing

/// What several hosts do with what was begun and not ended.
struct WorkTests {
    @Test(arguments: DatabaseKind.allCases)
    func whatALivingHostWorksOnIsItsOwn(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let other = try await fixture.otherHost()
            try await fixture.enlist(fixture.registry, as: "one")
            try await fixture.enlist(other, as: "two")
            _ = try await fixture.begin(.master)
            let file = try await fixture.make(.master)
            _ = try await fixture.registry.beginDelete(file.id, for: .master, clientID: "x")
            fixture.clock.advance(by: .seconds(86_400))

            #expect(try await other.claimFiles(limit: 10).isEmpty)
            #expect(try await fixture.registry.claimFiles(limit: 10).isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aHostThatComesBackTakesUpWhatItsEarlierRunLeft(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await fixture.enlist(fixture.registry, as: "one")
            let left = try await fixture.begin(.master)
            let deleted = try await fixture.make(.master)
            _ = try await fixture.registry.beginDelete(deleted.id, for: .master, clientID: "x")
            let next = try await fixture.otherHost()
            try await fixture.enlist(next, as: "one")

            let claimed = try await next.claimFiles(limit: 10)

            #expect(Set(claimed.map(\.id)) == [left.id, deleted.id])
            #expect(claimed.allSatisfy { $0.status == .deleting && $0.copies.count == 2 })
            #expect(try await next.claimFiles(limit: 10).isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aHostWhoseLeaseIsOverCannotFinishWhatAnotherHasTaken(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let (slow, other) = (fixture.registry, try await fixture.otherHost())
            try await fixture.enlist(slow, as: "one")
            try await fixture.enlist(other, as: "two")
            let file = try await fixture.begin(.master, at: ["a"])
            try await fixture.execute("UPDATE workers SET alive_until = 1 WHERE host = 'one'")
            // Its own lease has to have been unbroken for as long, or it might be the one that was cut off.
            #expect(try await other.claimFiles(limit: 10).isEmpty)
            fixture.clock.advance(by: Registry.lease)

            #expect(try await other.claimFiles(limit: 10).map(\.id) == [file.id])

            try await expectRefusal(.conflict) {
                try await slow.complete(file.id, at: DeploymentID("a"), providerID: "p", expiresAt: nil)
            }
            try await expectRefusal(.conflict) { _ = try await slow.commitFile(file.id) }
            // What it has made is known to the one that took over.
            try await slow.stayAlive(host: "one")
            try await other.postpone(file.id)
            fixture.clock.advance(by: .seconds(5))
            #expect(try await other.claimFiles(limit: 10).first?.copies.first?.providerID == "p")
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func manyHostsTakeEachPieceOnce(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            var files: Set<FileID> = []
            for _ in 0..<40 { files.insert(try await fixture.begin(.master, at: ["a"]).id) }
            var hosts: [Registry] = []
            for number in 0..<4 {
                hosts.append(try await fixture.otherHost())
                try await fixture.enlist(hosts[number], as: "\(number)")
            }

            let claimed = try await withThrowingTaskGroup(of: [FileID].self) { group in
                for host in hosts {
                    group.addTask {
                        var mine: [FileID] = []
                        for _ in 0..<20 { mine += try await host.claimFiles(limit: 3).map(\.id) }
                        return mine
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }

            #expect(claimed.count == 40)
            #expect(Set(claimed) == files)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatIsPostponedIsTriedLaterAndLater(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await fixture.enlist(registry, as: "one")
            let file = try await fixture.make(.master)
            _ = try await registry.beginDelete(file.id, for: .master, clientID: "x")

            for pause in [5, 10, 20, 40] {
                try await registry.postpone(file.id)
                fixture.clock.advance(by: .seconds(pause - 1))
                #expect(try await registry.claimFiles(limit: 10).isEmpty)
                fixture.clock.advance(by: .seconds(1))
                #expect(try await registry.claimFiles(limit: 10).map(\.id) == [file.id])
            }
            for _ in 0..<20 { try await registry.postpone(file.id) }
            fixture.clock.advance(by: .seconds(3600))
            #expect(try await registry.claimFiles(limit: 10).count == 1)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aDeletionThatIsLeftToTheSweepIsAtOnceFinalForTheClient(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await fixture.enlist(registry, as: "one")
            let alice = try await fixture.principal("alice")
            let file = try await fixture.make(alice)

            _ = try await registry.beginDelete(file.id, for: alice, clientID: "x", isLeftToSweep: true)

            try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(file, alice) }
            #expect(try await fixture.list(alice).files.isEmpty)
            #expect(try await registry.claimFiles(limit: 10).map(\.id) == [file.id])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anExpiredFileIsRemovedAndSaysSoForAMonth(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let alice = try await fixture.principal("alice")
            let expiry = UnixTime(secondsSince1970: SettableClock.start + 3600)
            let file = try await fixture.make(alice, at: ["a"], expiresAt: expiry)
            let other = try await fixture.make(alice, at: ["a"])
            #expect(try await registry.claimFiles(limit: 10).isEmpty)
            fixture.clock.advance(by: .seconds(3600))

            #expect(try await registry.claimFiles(limit: 10).map(\.id) == [file.id])
            try await registry.forget(file.id, at: DeploymentID("a"), providerID: "file-a")
            #expect(try await registry.finish(file.id))

            try await expectBrokenRule(.fileExpired) { _ = try await fixture.find(file, alice) }
            try await expectBrokenRule(.fileNotFound) {
                _ = try await registry.beginDelete(file.id, for: alice, clientID: "x")
            }
            #expect(try await fixture.list(alice).files.map(\.id) == [other].map(\.id))
            #expect(
                try await fixture.list(alice, after: file, order: .oldestFirst).files.map(\.id) == [other].map(\.id)
            )
            fixture.clock.advance(by: .seconds(30 * 86_400 + 1))
            try await registry.dropOldRecords()
            try await expectBrokenRule(.fileNotFound) { _ = try await fixture.find(file, alice) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aCopyThatItsProviderDropsIsRemovedAndTheFileLivesOn(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let file = try await fixture.begin(.master, at: ["a", "b"])
            let drop = UnixTime(secondsSince1970: SettableClock.start + 60)
            try await registry.complete(file.id, at: DeploymentID("a"), providerID: "1", expiresAt: drop)
            try await registry.complete(file.id, at: DeploymentID("b"), providerID: "2", expiresAt: nil)
            _ = try await registry.commitFile(file.id)
            #expect(try await registry.claimCopies(limit: 10).isEmpty)
            fixture.clock.advance(by: .seconds(60))

            let claimed = try await registry.claimCopies(limit: 10)

            #expect(claimed.map(\.copy.deployment.description) == ["a"])
            #expect(claimed.first?.copy.state == .expired)
            #expect(try await registry.claimCopies(limit: 10).isEmpty)
            try await registry.forget(file.id, at: DeploymentID("a"), providerID: "1")
            #expect(try await fixture.find(file, .master).copies.map(\.providerID) == ["2"])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aFileWhoseLastCopyIsLostHasExpired(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let file = try await fixture.make(.master, at: ["a"])
            let copy = try #require(file.copies.first)

            try await fixture.registry.lose(copy, of: file.id)
            try await fixture.registry.lose(copy, of: file.id)

            try await expectBrokenRule(.fileExpired) { _ = try await fixture.find(file, .master) }
            #expect(try await fixture.list(.master).files.isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aCopyThatWasReplacedMeanwhileIsNotLost(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let file = try await fixture.make(.master, at: ["a", "b"])
            let old = try #require(file.copies.first)
            try await registry.lose(old, of: file.id)
            _ = try await registry.beginCopy(file.id, at: old.deployment)
            try await registry.complete(file.id, at: old.deployment, providerID: "new", expiresAt: nil)

            try await registry.lose(old, of: file.id)

            let found = try await fixture.find(file, .master)
            #expect(found.usableCopy(at: old.deployment, now: fixture.clock.now())?.providerID == "new")
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func oneOfManyHostsMakesACopyAndTheOthersFindIt(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let file = try await fixture.make(.master, at: ["a"])
            let there = DeploymentID("b")
            var hosts: [Registry] = []
            for number in 0..<4 {
                hosts.append(try await fixture.otherHost())
                try await fixture.enlist(hosts[number], as: "\(number)")
            }

            let beginnings = try await withThrowingTaskGroup(of: CopyBeginning.self) { group in
                for host in hosts { group.addTask { try await host.beginCopy(file.id, at: there) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(beginnings.filter { $0 == .beingMade }.count == 3)
            try await hosts[0].complete(file.id, at: there, providerID: "p", expiresAt: nil)
            for host in hosts {
                guard case .ready(let found) = try await host.beginCopy(file.id, at: there) else {
                    Issue.record("the copy is not found")
                    continue
                }
                #expect(found.usableCopy(at: there, now: fixture.clock.now())?.providerID == "p")
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aHalfMadeCopyOfADeadHostIsTakenAndNeverUsed(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let (dead, alive) = (fixture.registry, try await fixture.otherHost())
            try await fixture.enlist(dead, as: "one")
            try await fixture.enlist(alive, as: "two")
            let file = try await fixture.make(.master, at: ["a"])
            _ = try await dead.beginCopy(file.id, at: DeploymentID("b"))
            #expect(try await alive.claimCopies(limit: 10).isEmpty)
            try await fixture.execute("UPDATE workers SET alive_until = 1 WHERE host = 'one'")
            fixture.clock.advance(by: Registry.lease)

            let claimed = try await alive.claimCopies(limit: 10)

            #expect(claimed.map(\.copy.deployment.description) == ["b"])
            #expect(claimed.first?.copy.state == .failed)
            try await expectRefusal(.conflict) {
                try await dead.complete(file.id, at: DeploymentID("b"), providerID: "late", expiresAt: nil)
            }
            try await alive.postpone(try #require(claimed.first))
            fixture.clock.advance(by: .seconds(5))
            #expect(try await alive.claimCopies(limit: 10).first?.copy.providerID == "late")
            #expect(try await fixture.find(file, .master).status == .ready)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func suspectsAreJudgedByWhatIsRecordedAndUnderWay(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await fixture.enlist(registry, as: "one")
            let recorded = try await fixture.make(.master, at: ["a"])
            let known = try #require(recorded.copies.first?.providerID)
            let deployments = ["a", "b"].map { DeploymentID($0) }
            let cutOff = try await fixture.begin(.master, at: ["a"])
            let elsewhere = try await fixture.begin(.master, at: ["c"])
            try await registry.giveUp(elsewhere.id, at: DeploymentID("c"), providerID: nil)
            try await registry.giveUp(cutOff.id, at: DeploymentID("a"), providerID: nil)

            let judgement = try await registry.judge([known, "unknown"], like: cutOff, at: deployments)
            #expect(judgement == SuspectJudgement(unrecorded: ["unknown"], running: 0, cutOff: 1))

            _ = try await fixture.begin(.master, at: ["a", "b"])
            _ = try await fixture.begin(.master, at: ["a"], filename: "other.pdf")
            let later = try await registry.judge(["unknown"], like: cutOff, at: deployments)
            #expect(later == SuspectJudgement(unrecorded: ["unknown"], running: 2, cutOff: 1))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aFileCanBeUsedWithoutACopyThatWasGivenUp(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let file = try await fixture.begin(.master, at: ["a", "b"])
            try await registry.complete(file.id, at: DeploymentID("a"), providerID: "p", expiresAt: nil)
            try await registry.giveUp(file.id, at: DeploymentID("b"), providerID: nil)

            let ready = try await registry.commitFile(file.id)

            #expect(ready.usableCopy(at: DeploymentID("a"), now: fixture.clock.now()) != nil)
            #expect(ready.usableCopy(at: DeploymentID("b"), now: fixture.clock.now()) == nil)
            #expect(try await registry.claimCopies(limit: 10).map(\.copy.deployment.description) == ["b"])
            let none = try await fixture.begin(.master, at: ["a"])
            try await registry.giveUp(none.id, at: DeploymentID("a"), providerID: nil)
            try await expectRefusal(.conflict) { _ = try await registry.commitFile(none.id) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aCopyThatTurnsUpAfterItsFileIsGoneOpensItAgain(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let there = DeploymentID("b")
            let deleted = try await fixture.make(.master, at: ["a"])
            _ = try await registry.beginCopy(deleted.id, at: there)
            try await fixture.delete(deleted, .master)
            let expired = try await fixture.make(.master, at: ["a"])
            try await registry.lose(try #require(expired.copies.first), of: expired.id)

            for file in [deleted, expired] {
                try await expectRefusal(.notFound) {
                    try await registry.remember(file.id, at: there, providerID: "late")
                }
                #expect(try await !fixture.list(.master).files.contains { $0.id == file.id })
            }

            let claimed = try await registry.claimFiles(limit: 10)
            #expect(Set(claimed.map(\.id)) == [deleted.id, expired.id])
            #expect(claimed.allSatisfy { $0.copies.map(\.providerID) == ["late"] && $0.copies[0].state == .failed })
            for file in claimed {
                try await registry.forget(file.id, at: there, providerID: "late")
                #expect(try await registry.finish(file.id))
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func onlyTheCopyThatIsMeantIsForgotten(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let file = try await fixture.begin(.master, at: ["a", "b"])
            let a = DeploymentID("a")
            try await registry.remember(file.id, at: a, providerID: "new")

            try await registry.forget(file.id, at: a, providerID: nil)
            try await registry.forget(file.id, at: a, providerID: "old")
            try await registry.forget(file.id, at: DeploymentID("b"), providerID: "old")

            let left = try await registry.claimFiles(limit: 10).first?.copies ?? []
            #expect(left.isEmpty)
            try await registry.giveUp(file.id, at: a, providerID: nil)
            try await registry.postpone(file.id)
            fixture.clock.advance(by: .seconds(5))
            let copies = try await registry.claimFiles(limit: 10).first?.copies ?? []
            #expect(Set(copies.map(\.providerID)) == ["new", nil])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whoseMakerIsDeadTellsUntilWhenItCanHaveAskedAProvider(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await fixture.enlist(fixture.registry, as: "one")
            let file = try await fixture.begin(.master, at: ["a"])
            let heardAt = SettableClock.start + 100
            try await fixture.execute("UPDATE workers SET heard_at = \(heardAt) WHERE host = 'one'")
            let next = try await fixture.otherHost()
            try await next.enlist(host: "one")
            fixture.clock.advance(by: .seconds(86_400))

            let claimed = try await next.claimFiles(limit: 10)

            #expect(claimed.map(\.id) == [file.id])
            #expect(claimed.first?.copies.first?.state == .failed)
            #expect(claimed.first?.copies.first?.updatedAt.secondsSince1970 == heardAt + 8)
        }
    }
}
