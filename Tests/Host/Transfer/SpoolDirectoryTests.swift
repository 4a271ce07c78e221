import Foundation
import HostTransfer
import NIOCore
import NIOPosix
import Testing

struct SpoolDirectoryTests {
    @Test
    func theDirectoryIsMadeForThisUserAlone() throws {
        let folder = temporaryPath() + "/nested/spool"
        defer { remove(folder) }

        _ = try SpoolDirectory(path: folder, pool: .singleton, limitInBytes: 1)

        let mode = try FileManager.default.attributesOfItem(atPath: folder)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    @Test
    func filesHaveNoNames() async throws {
        let folder = temporaryPath()
        defer { remove(folder) }
        let spool = try SpoolDirectory(path: folder, pool: .singleton, limitInBytes: .max)
        let writer = try await spool.writer(maximumBytes: .max)
        try await writer.write(ByteBuffer(repeating: 1, count: 3_000_000))
        let file = try await writer.finish()

        let names = try FileManager.default.contentsOfDirectory(atPath: folder)

        #expect(names.allSatisfy { $0.hasPrefix("owner-") })
        #expect(names.count == 1)
        #expect(file.sizeInBytes == 3_000_000)
    }

    @Test
    func whatTheDeadLeftIsClearedAndWhatTheLivingHaveStays() throws {
        let folder = temporaryPath()
        defer { remove(folder) }
        let living = try SpoolDirectory(path: folder, pool: .singleton, limitInBytes: 1)
        let owner = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
        let token = owner.dropFirst("owner-".count).dropLast(".lock".count)
        let ofTheLiving = ["spool-\(token)-1", owner]
        let ofTheDead = ["owner-dead.lock", "spool-dead-1", "spool-dead-2", "spool-lockless-1"]
        let ofOthers = ["notes.txt", "spool.txt"]
        for name in ofTheLiving.dropLast() + ofTheDead + ofOthers {
            #expect(FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data()))
        }

        let next = try SpoolDirectory(path: folder, pool: .singleton, limitInBytes: 1)

        let left = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
        #expect(left.isSuperset(of: ofTheLiving + ofOthers))
        #expect(left.isDisjoint(with: ofTheDead))
        #expect(left.count == 5)
        withExtendedLifetime((living, next)) {}
    }

    @Test
    func anEndedSpoolLeavesNothing() throws {
        let folder = temporaryPath()
        defer { remove(folder) }
        do { _ = try SpoolDirectory(path: folder, pool: .singleton, limitInBytes: 1) }

        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test
    func aDirectoryThatOthersCanOpenIsRefused() throws {
        let folder = temporaryPath()
        defer { remove(folder) }
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755]
        )

        let error = #expect(throws: SpoolError.self) {
            try SpoolDirectory(path: folder, pool: .singleton, limitInBytes: 1)
        }

        #expect(error?.code == .unusableDirectory)
        #expect(error?.message.contains("chmod 700") == true)
    }

    @Test
    func aFileInThePlaceOfTheDirectoryIsRefused() throws {
        let path = temporaryPath()
        defer { remove(path) }
        #expect(FileManager.default.createFile(atPath: path, contents: Data()))

        let error = #expect(throws: SpoolError.self) {
            try SpoolDirectory(path: path, pool: .singleton, limitInBytes: 1)
        }

        #expect(error?.code == .unusableDirectory)
    }

    private func remove(_ path: String) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record(error)
        }
    }
}
