import HostCore
import NIOPosix
import Synchronization

extension PartStore {
    /// What lies in the folder of one upload.
    struct Holding: Sendable {
        /// The names of its files.
        let names: Set<String>
        /// What they have together; a file with two names counts once.
        let sizeInBytes: Int64
    }

    /// Removes what dead processes began to write.
    func clear() async throws { try await pool.runIfActive { [spool] in try spool.clear() } }

    /// The uploads that have a folder, or of which this process counts something.
    func uploads() async throws -> Set<RecordUUID> {
        let names = try await pool.runIfActive { [folder] in try folder.names() }
        return state.withLock { Set($0.shares.keys) }.union(names.compactMap { RecordUUID(text: $0) })
    }

    /// What there is of an upload.
    func holding(of upload: RecordUUID) async throws -> Holding {
        try await pool.runIfActive { [folder] in
            guard let place = try folder.folder(upload.text) else { return Holding(names: [], sizeInBytes: 0) }
            let names = try place.names().filter { $0 != "." && $0 != ".." }
            let size = try names.reduce(Int64(0)) { size, name in
                let extent = try place.extent(of: name)
                return size + (extent.map { $0.sizeInBytes / $0.names } ?? 0)
            }
            return Holding(names: Set(names), sizeInBytes: size)
        }
    }

    /// The parts that have their names and may not be noted yet.
    var arriving: Set<RecordUUID> { state.withLock { Set($0.arriving.keys) } }

    /// Removes files of an upload.
    func remove(_ names: Set<String>, of upload: RecordUUID) async throws {
        try await pool.runIfActive { [folder] in
            guard let place = try folder.folder(upload.text) else { return }
            for name in names { try place.remove(name) }
        }
    }

    /// Counts what is there of an upload, if more is there than this process knows of.
    func count(_ holding: Holding, of upload: RecordUUID) {
        let share = share(of: upload)
        share.count(max(0, holding.sizeInBytes - share.bytes))
    }
}
