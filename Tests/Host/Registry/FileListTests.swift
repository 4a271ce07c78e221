import HostCore
import HostDatabase
import HostRegistry
import Testing

struct FileListTests {
    @Test(arguments: DatabaseKind.allCases)
    func filesOfOneSecondComeInTheOrderTheyWereBegun(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            var files: [ManagedFile] = []
            for _ in 0..<7 { files.append(try await fixture.make(alice)) }

            #expect(try await fixture.list(alice).files.map(\.id) == files.reversed().map(\.id))
            #expect(try await fixture.list(alice, order: .oldestFirst).files.map(\.id) == files.map(\.id))
        }
    }

    @Test(arguments: FileListing.Order.allCases, DatabaseKind.allCases)
    func pagesTogetherAreTheWholeList(order: FileListing.Order, kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let bob = try await fixture.principal("bob")
            for _ in 0..<10 {
                _ = try await fixture.make(alice)
                _ = try await fixture.make(bob)
            }
            let whole = try await fixture.list(alice, order: order)
            #expect(whole.files.count == 10)
            #expect(!whole.hasMore)

            for limit in [1, 2, 3, 9, 10, 11] {
                var paged: [ManagedFile] = []
                var hasMore = true
                while hasMore {
                    let page = try await fixture.list(alice, limit: limit, after: paged.last, order: order)
                    paged += page.files
                    hasMore = page.hasMore
                    #expect(hasMore == (paged.count < 10))
                }
                #expect(paged == whole.files)
            }
        }
    }

    @Test(arguments: [0, -1, 10_001, .min, .max])
    func aLimitOutOfRangeIsRefused(limit: Int) {
        let error = #expect(throws: RuleError.self) { _ = try FileListing(limit: limit) }
        #expect(error?.parameter == "limit")
    }

    @Test(arguments: DatabaseKind.allCases)
    func aListIsNarrowedByPurposeAndDeployment(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let a = try await fixture.make(alice, at: ["a"], purpose: .batch)
            let b = try await fixture.make(alice, at: ["b"])
            let both = try await fixture.make(alice, at: ["a", "b"])

            #expect(try await fixture.list(alice, purpose: .batch).files.map(\.id) == [a].map(\.id))
            #expect(try await fixture.list(alice, purpose: .vision).files.isEmpty)
            #expect(try await fixture.list(alice, deployments: ["a"]).files.map(\.id) == [both, a].map(\.id))
            #expect(try await fixture.list(alice, deployments: ["b"]).files.map(\.id) == [both, b].map(\.id))
            #expect(
                try await fixture.list(alice, deployments: ["a", "b", "c"]).files.map(\.id) == [both, b, a].map(\.id)
            )
            #expect(try await fixture.list(alice, deployments: ["a' OR '1'='1"]).files.isEmpty)
            #expect(try await fixture.list(alice, deployments: []).files.isEmpty)
            let page = try await fixture.list(alice, limit: 1, purpose: .userData, deployments: ["b"])
            #expect(page.files.map(\.id) == [both].map(\.id))
            #expect(page.hasMore)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aForeignPlaceToStartAfterIsDeniedAndAnUnknownOneNotFound(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            let bob = try await fixture.principal("bob")
            let file = try await fixture.make(bob)

            try await expectBrokenRule(.fileAccessDenied) { _ = try await fixture.list(alice, after: file) }
            try await fixture.delete(file, bob)
            try await expectBrokenRule(.fileNotFound) { _ = try await fixture.list(alice, after: file) }
            let absent = RequestedFile(id: FileID(uuid: .random()), clientID: "x")
            try await expectBrokenRule(.fileNotFound) {
                _ = try await fixture.registry.listFiles(for: alice, try FileListing(after: absent))
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whoeverDeletesWhileListingReachesEveryFile(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            for _ in 0..<10 { _ = try await fixture.make(alice) }

            var deleted = 0
            var page = try await fixture.list(alice, limit: 3)
            while true {
                for file in page.files {
                    try await fixture.delete(file, alice)
                    deleted += 1
                }
                guard page.hasMore else { break }
                page = try await fixture.list(alice, limit: 3, after: page.files.last)
            }

            #expect(deleted == 10)
            #expect(try await fixture.list(alice).files.isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aListStaysWholeWhileFilesComeAndGo(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let alice = try await fixture.principal("alice")
            var kept: [ManagedFile] = []
            for _ in 0..<40 { kept.append(try await fixture.make(alice)) }

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<10 { try await fixture.delete(try await fixture.make(alice), alice) }
                    }
                    group.addTask { [kept] in
                        var seen: [FileID] = []
                        var page = try await fixture.list(alice, limit: 3)
                        seen += page.files.map(\.id)
                        while page.hasMore {
                            page = try await fixture.list(alice, limit: 3, after: page.files.last)
                            seen += page.files.map(\.id)
                        }
                        #expect(Set(seen).count == seen.count)
                        let keptIDs = Set(kept.map(\.id))
                        #expect(seen.filter(keptIDs.contains) == kept.reversed().map(\.id))
                    }
                }
                try await group.waitForAll()
            }

            #expect(try await fixture.list(alice).files.map(\.id) == kept.reversed().map(\.id))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func manyWhoMakeUseAndDeleteAtOnceLeaveNothingBehind(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            var principals: [Principal] = []
            for n in 0..<8 { principals.append(try await fixture.principal("user-\(n)")) }

            try await withThrowingTaskGroup(of: Void.self) { group in
                for principal in principals {
                    for n in 0..<10 {
                        group.addTask {
                            let file = try await fixture.make(principal)
                            _ = try await registry.files([fixture.reference(file)], for: principal)
                            #expect(try await fixture.list(principal).files.contains { $0.id == file.id })
                            // Two deletions of one file may overlap.
                            async let first: Void = fixture.delete(file, principal)
                            if n.isMultiple(of: 2) { _ = try? await fixture.delete(file, principal) }
                            try await first
                            try await expectBrokenRule(.fileNotFound) {
                                _ = try await registry.files([fixture.reference(file)], for: principal)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }

            #expect(try await fixture.otherHost().claimFiles(limit: 10).isEmpty)
            for principal in principals { #expect(try await fixture.list(principal).files.isEmpty) }
        }
    }
}
