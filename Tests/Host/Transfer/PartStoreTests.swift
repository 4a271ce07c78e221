import Foundation
import HostCore
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import HostTransfer

struct PartStoreTests {
    /// A registry of uploads in memory.
    private final class Journal: UploadJournal {
        struct State {
            var open: Set<RecordUUID> = []
            var parts: [UploadPart] = []
        }

        let state = Mutex(State())

        func expireUploads() async throws {}
        func openUploads(among ids: Set<RecordUUID>) async throws -> Set<RecordUUID> {
            state.withLock { $0.open.intersection(ids) }
        }
        func parts(of upload: ObjectID) async throws -> [UploadPart] { state.withLock(\.parts) }
    }

    private let upload = ObjectID(.upload, uuid: .random())
    private let folder = temporaryPath()

    private func store(
        limit: Int64 = .max,
        isShared: Bool = false,
        pool: NIOThreadPool = .singleton
    ) throws -> PartStore {
        try PartStore(path: folder, isShared: isShared, pool: pool, limitInBytes: limit)
    }

    private func keep(_ bytes: [UInt8], in store: PartStore, isSettled: Bool = true) async throws -> UploadPart {
        let incoming = try await store.incoming(maximumBytes: 1 << 20, expectedBytes: Int64(bytes.count))
        try await incoming.writer.write(ByteBuffer(bytes: bytes))
        let content = try await incoming.writer.finish()
        let part = UploadPart(
            id: ObjectID(.part, uuid: .random()),
            sizeInBytes: content.sizeInBytes,
            sha256: content.sha256,
            host: "one",
            createdAt: UnixTime(secondsSince1970: 0)
        )
        try await store.keep(incoming, content, as: part.id, of: upload)
        if isSettled { store.settle(part.id) }
        return part
    }

    private func files() throws -> [String] {
        let place = "\(folder)/\(upload.uuid.text)"
        guard FileManager.default.fileExists(atPath: place) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: place)
    }

    private func sweep(_ store: PartStore, _ journal: Journal) -> UploadSweep {
        UploadSweep(journal: journal, store: store, logger: Logger(label: "test"))
    }

    @Test
    func partsAreReadAsOneFileInTheOrderGiven() async throws {
        defer { remove(folder) }
        let store = try store()
        let (one, two) = (try await keep([1, 2], in: store), try await keep([3], in: store))

        let file = try await store.content(of: [two, one], upload: upload, at: "one")
        let digest = try await ContentDigest(of: file, withMD5: true, on: .singleton)

        #expect(file.sizeInBytes == 3)
        // Of the bytes 3, 1, 2.
        #expect(digest.sha256 == "303b5b4489ae81c98f0acfa33ecbdfde3b4918715b1ae08b49e9381cdb66a4a0")
        #expect(digest.md5 == "a867f6e8ebd4e3a90c6084c9738b506b")
        #expect(store.reservedBytes == 3)
    }

    @Test
    func aPartSurvivesItsProcess() async throws {
        defer { remove(folder) }
        let part = try await keep([1, 2, 3], in: try store())

        let next = try store()

        let file = try await next.content(of: [part], upload: upload, at: "one")
        #expect(try await ContentDigest(of: file, withMD5: false, on: .singleton).sha256 == part.sha256)
    }

    @Test
    func whatIsNotKeptLeavesNothing() async throws {
        defer { remove(folder) }
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let store = try store(limit: 100, pool: pool)

        try await giveUp(in: store)

        // One thread does one thing after the other.
        let left = try await pool.runIfActive { try FileManager.default.contentsOfDirectory(atPath: folder) }
        #expect(left.count == 1)
        #expect(left.allSatisfy { $0.hasPrefix("owner-") })
        #expect(store.reservedBytes == 0)
        try await pool.shutdownGracefully()
    }

    private func giveUp(in store: PartStore) async throws {
        let incoming = try await store.incoming(maximumBytes: 100, expectedBytes: 100)
        try await incoming.writer.write(ByteBuffer(bytes: [1]))
        await #expect(throws: SpoolError.self) { _ = try await store.incoming(maximumBytes: 1, expectedBytes: 1) }
        incoming.writer.discard()
    }

    @Test
    func whatIsElsewhereOrChangedIsMissing() async throws {
        defer { remove(folder) }
        let store = try store()
        let part = try await keep([1, 2], in: store)
        let other = UploadPart(
            id: ObjectID(.part, uuid: .random()),
            sizeInBytes: 1,
            sha256: "aa",
            host: "two",
            createdAt: part.createdAt
        )

        let elsewhere = await #expect(throws: MissingPart.self) {
            _ = try await store.content(of: [part, other], upload: upload, at: "one")
        }
        #expect(elsewhere?.elsewhere == "two")
        try Data([1]).write(to: URL(fileURLWithPath: "\(folder)/\(upload.uuid.text)/\(part.id.uuid.text)"))
        let lost = await #expect(throws: MissingPart.self) {
            _ = try await store.content(of: [part], upload: upload, at: "one")
        }
        #expect(lost?.elsewhere == nil)
    }

    @Test
    func whatCameTwiceIsKeptOnce() async throws {
        defer { remove(folder) }
        let store = try store()
        let (first, second) = (try await keep([1, 2, 3], in: store), try await keep([1, 2, 3], in: store))
        #expect(store.reservedBytes == 6)

        try await store.merge(second.id, with: [first], of: upload)

        #expect(store.reservedBytes == 3)
        #expect(Set(try files()) == [first.id.uuid.text, second.id.uuid.text])
        let file = try await store.content(of: [first, second], upload: upload, at: "one")
        #expect(file.sizeInBytes == 6)
        try await store.removeAll(of: upload.uuid)
        #expect(store.reservedBytes == 0)
    }

    @Test
    func aSweepRemovesWhatIsOverAndWhatNobodyNoted() async throws {
        defer { remove(folder) }
        let journal = Journal()
        let earlier = try store()
        let (noted, unnoted) = (try await keep([1, 2], in: earlier), try await keep([3], in: earlier))
        journal.state.withLock { state in
            state.open = [upload.uuid]
            state.parts = [noted]
        }
        try FileManager.default.createDirectory(
            atPath: "\(folder)/\(RecordUUID.random().text)",
            withIntermediateDirectories: false
        )
        let store = try store()
        let arriving = try await keep([4, 5, 6], in: store, isSettled: false)
        let sweep = sweep(store, journal)

        await sweep.run()

        #expect(Set(try files()) == [noted.id.uuid.text, arriving.id.uuid.text])
        #expect(try files(in: folder).filter { RecordUUID(text: $0) != nil } == [upload.uuid.text])
        #expect(store.reservedBytes == 5)
        #expect(unnoted.sizeInBytes == 1)
        journal.state.withLock { $0.open = [] }
        await sweep.run()
        #expect(try files().isEmpty)
        #expect(store.reservedBytes == 0)
    }

    @Test
    func inASharedFolderWhatAnotherHostIsAboutToNoteStays() async throws {
        defer { remove(folder) }
        let journal = Journal()
        let other = try store(isShared: true)
        let unnoted = try await keep([3], in: other)
        let incoming = try await other.incoming(maximumBytes: 9, expectedBytes: 9)
        journal.state.withLock { $0.open = [upload.uuid] }
        let store = try store(isShared: true)

        await sweep(store, journal).run()

        #expect(try files() == [unnoted.id.uuid.text])
        #expect(try files(in: folder).contains { $0.hasPrefix("spool-") })
        withExtendedLifetime(incoming) {}
    }

    private func files(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder)
    }

    private func remove(_ path: String) {
        do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record(error) }
    }
}
