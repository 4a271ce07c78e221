import HostCore
import HostRegistry
import Testing

/// How an upload in parts becomes a file, once.
struct UploadCompletionTests {
    @Test(arguments: DatabaseKind.allCases)
    func anUploadBecomesOneFileHoweverOftenItIsCompleted(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let upload = try await fixture.beginUpload(.master, bytes: 10)
            let (one, two) = (
                try await fixture.add(6, to: upload, .master), try await fixture.add(4, to: upload, .master)
            )
            let file = FileID(uuid: .random())

            let begun = try await fixture.take(upload, [two, one], into: file, .master)
            guard case .begun(let taken, let parts) = begun else { return #expect(Bool(false), "\(begun)") }
            #expect(taken.id == upload.id)
            #expect(parts == [two, one])
            #expect(try await fixture.take(upload, [two, one], .master) == .underWay)
            try await expectBrokenRule(.uploadUnderWay) { _ = try await fixture.add(1, to: upload, .master) }
            try await expectBrokenRule(.uploadUnderWay) {
                _ = try await registry.cancelUpload(fixture.reference(upload), for: .master)
            }
            try await fixture.makeFile(file, of: upload)
            #expect(try await registry.commitFile(file, completing: upload.id).status == .ready)

            #expect(try await fixture.take(upload, [one], .master) == .made(file))
            // Nobody said that it was done; a repeat finds it done.
            #expect(try await registry.commitFile(file, completing: upload.id).id == file)
            #expect(try await fixture.find(upload, .master).status == .completed)
            #expect(try await registry.parts(of: upload.id).isEmpty)
            try await expectBrokenRule(.uploadCompleted) { _ = try await fixture.add(1, to: upload, .master) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func onlyItsOwnPartsOfItsSizeAreTaken(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let upload = try await fixture.beginUpload(.master, bytes: 10)
            let other = try await fixture.beginUpload(.master, bytes: 10)
            let (own, foreign) = (
                try await fixture.add(6, to: upload, .master), try await fixture.add(4, to: other, .master)
            )

            for parts in [[own], [own, foreign], [foreign], [fixture.part(10)], []] {
                try await expectBrokenRule(.invalidRequest) { _ = try await fixture.take(upload, parts, .master) }
            }

            #expect(try await fixture.find(upload, .master).status == .pending)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatIsGivenBackCanBeCompletedAgain(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let upload = try await fixture.beginUpload(.master, bytes: 1)
            let part = try await fixture.add(1, to: upload, .master)
            let (first, second) = (FileID(uuid: .random()), FileID(uuid: .random()))
            _ = try await fixture.take(upload, [part], into: first, .master)

            try await registry.giveBackUpload(upload.id, madeInto: first)

            #expect(try await fixture.find(upload, .master).status == .pending)
            _ = try await fixture.take(upload, [part], into: second, .master)
            // The first one's end does not take it from the second.
            try await registry.giveBackUpload(upload.id, madeInto: first)
            #expect(try await fixture.take(upload, [part], .master) == .underWay)
            try await fixture.makeFile(first, of: upload)
            try await expectRefusal(.conflict) { _ = try await registry.commitFile(first, completing: upload.id) }
            try await fixture.makeFile(second, of: upload)
            #expect(try await registry.commitFile(second, completing: upload.id).id == second)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatADeadHostLeftCanBeCompletedElsewhereAndNotByBoth(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await fixture.enlist(fixture.registry, as: "one")
            let other = try await fixture.otherHost()
            try await fixture.enlist(other, as: "two")
            let upload = try await fixture.beginUpload(.master, bytes: 1)
            let part = try await fixture.add(1, to: upload, .master)
            let (first, second) = (FileID(uuid: .random()), FileID(uuid: .random()))
            _ = try await fixture.take(upload, [part], into: first, .master)
            try await fixture.makeFile(first, of: upload)
            #expect(try await fixture.take(upload, [part], .master, by: other) == .underWay)

            let next = try await fixture.otherHost()
            try await fixture.enlist(next, as: "one")

            let taken = try await fixture.take(upload, [part], into: second, .master, by: other)
            guard case .begun = taken else { return #expect(Bool(false), "\(taken)") }
            try await expectRefusal(.conflict) {
                _ = try await fixture.registry.commitFile(first, completing: upload.id)
            }
            try await fixture.makeFile(second, of: upload, by: other)
            #expect(try await other.commitFile(second, completing: upload.id).id == second)
            #expect(try await fixture.take(upload, [part], .master, by: next) == .made(second))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func manyHostsCompleteAnUploadOnce(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let upload = try await fixture.beginUpload(.master, bytes: 1)
            let part = try await fixture.add(1, to: upload, .master)
            var hosts: [Registry] = []
            for number in 0..<4 {
                hosts.append(try await fixture.otherHost())
                try await fixture.enlist(hosts[number], as: "\(number)")
            }

            let begun = try await withThrowingTaskGroup(of: Int.self) { group in
                for host in hosts {
                    group.addTask {
                        var begun = 0
                        for _ in 0..<3 {
                            if case .begun = try await fixture.take(upload, [part], .master, by: host) { begun += 1 }
                        }
                        return begun
                    }
                }
                return try await group.reduce(0, +)
            }

            #expect(begun == 1)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aCompletionOutlivesTheHourAndADeadOneDoesNot(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await fixture.enlist(registry, as: "one")
            let upload = try await fixture.beginUpload(.master, bytes: 1)
            let part = try await fixture.add(1, to: upload, .master)
            _ = try await fixture.take(upload, [part], .master)
            fixture.clock.advance(by: .seconds(3600))
            try await registry.expireUploads()
            #expect(try await fixture.find(upload, .master).status == .completing)

            let next = try await fixture.otherHost()
            try await fixture.enlist(next, as: "one")
            try await next.expireUploads()

            #expect(try await fixture.find(upload, .master).status == .expired)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aFileOfADiscardedUploadCannotBeCommitted(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let upload = try await fixture.beginUpload(alice, bytes: 1)
            let part = try await fixture.add(1, to: upload, alice)
            let file = FileID(uuid: .random())
            _ = try await fixture.take(upload, [part], into: file, alice)
            try await fixture.makeFile(file, of: upload)

            _ = try await fixture.registry.deleteUsers([UserID("alice")])

            try await expectRefusal(.conflict) {
                _ = try await fixture.registry.commitFile(file, completing: upload.id)
            }
        }
    }
}
