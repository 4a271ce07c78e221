import HostCore
import NIOPosix
import Synchronization

/// The folder in which the parts of uploads lie until their file is made: `UPLOAD/PART`, both UUIDs.
///
/// What is here survives the process. A part comes in under a passing name of this process, which the next one
/// removes; it gets its own name when all of it is on the disk, and counts when the registry has noted it. Several hosts
/// may share the folder if its file system knows file locks.
package final class PartStore: Sendable {
    /// A part that comes in.
    package struct Incoming: Sendable {
        /// Takes the content.
        package let writer: SpoolWriter
        fileprivate let file: NamedSpoolFile
    }

    /// What this process knows of its parts.
    struct State {
        /// What each upload has on this disk, as far as this process knows.
        var shares: [RecordUUID: SpoolReservation] = [:]
        /// Parts that have their names, and that the registry may not have noted yet.
        var arriving: [RecordUUID: Int] = [:]
    }

    let spool: SpoolDirectory
    /// Whether others may have put a file here whose part they are about to note.
    let isShared: Bool
    let state = Mutex(State())

    var folder: SpoolFolder { spool.folder }
    /// Where files are read and written.
    package var pool: NIOThreadPool { spool.pool }

    /// Opens the folder, makes it if it is missing, and clears what dead processes began to write; blocks.
    ///
    /// - Parameters:
    ///   - path: The folder; nobody but this user may have access to it.
    ///   - isShared: Whether other hosts use it as well.
    ///   - pool: Where files are read and written; started and stopped by the caller.
    ///   - limitInBytes: What all parts together may have.
    /// - Throws: ``SpoolError`` with `.unusableDirectory` or `.failed`.
    package init(path: String, isShared: Bool, pool: NIOThreadPool, limitInBytes: Int64) throws(SpoolError) {
        spool = try SpoolDirectory(path: path, pool: pool, limitInBytes: limitInBytes)
        self.isShared = isShared
    }

    /// The bytes that parts hold or have reserved now.
    package var reservedBytes: Int64 { spool.reservedBytes }

    /// Makes room for a part.
    ///
    /// - Parameters:
    ///   - maximumBytes: What it may have.
    ///   - expectedBytes: What it will probably have, reserved at once.
    /// - Returns: What takes it; it leaves nothing unless it is kept.
    /// - Throws: ``SpoolError`` with `.full`, `.diskFull` or `.failed`.
    package func incoming(maximumBytes: Int64, expectedBytes: Int64?) async throws -> Incoming {
        let (writer, file) = try await spool.namedWriter(
            maximumBytes: maximumBytes,
            expectedBytes: expectedBytes,
            parameter: PartForm.field
        )
        return Incoming(writer: writer, file: file)
    }

    /// Gives a part that has come in its name, once the disk has it.
    ///
    /// Until ``settle(_:)`` it is not taken for one that nobody has noted.
    ///
    /// - Parameters:
    ///   - incoming: The part.
    ///   - content: What its writer made.
    ///   - part: Its id.
    ///   - upload: The upload.
    /// - Throws: ``SpoolError`` with `.diskFull` or `.failed`; then nothing is left of it.
    package func keep(
        _ incoming: Incoming,
        _ content: SpooledFile,
        as part: ObjectID,
        of upload: ObjectID
    ) async throws {
        state.withLock { $0.arriving[part.uuid, default: 0] += 1 }
        do {
            try await pool.runIfActive { [folder] in
                try incoming.file.descriptor.sync()
                let place = try folder.madeFolder(upload.uuid.text)
                try folder.move(incoming.file.name, to: place, as: part.uuid.text)
                do throws(SpoolError) {
                    try place.sync()
                } catch {
                    place.removeIfPossible(part.uuid.text)
                    throw error
                }
            }
        } catch {
            settle(part)
            throw error
        }
        share(of: upload.uuid).absorb(content.reservation)
    }

    /// Ends what ``keep(_:_:as:of:)`` began, when the registry has noted the part or it has been removed.
    package func settle(_ part: ObjectID) {
        state.withLock { state in
            guard let count = state.arriving[part.uuid] else { return }
            state.arriving[part.uuid] = count > 1 ? count - 1 : nil
        }
    }

    /// Has a part stand for the content of an earlier one that is the same, if there is one here.
    ///
    /// - Parameters:
    ///   - part: The part, which is kept.
    ///   - earlier: Parts of the same content.
    ///   - upload: The upload.
    /// - Throws: ``SpoolError`` with `.failed`.
    package func merge(_ part: ObjectID, with earlier: [UploadPart], of upload: ObjectID) async throws {
        guard !earlier.isEmpty else { return }
        let saved = try await pool.runIfActive { [folder] () -> Int64 in
            guard let place = try folder.folder(upload.uuid.text) else { return 0 }
            let name = part.uuid.text
            guard let size = try place.extent(of: name)?.sizeInBytes else { return 0 }
            for one in earlier where try place.extent(of: one.id.uuid.text)?.sizeInBytes == size {
                try place.replace(name, by: one.id.uuid.text)
                return size
            }
            return 0
        }
        share(of: upload.uuid).giveBack(saved)
    }

    /// Removes a part that the registry has refused.
    ///
    /// - Throws: ``SpoolError`` with `.failed`.
    package func remove(_ part: ObjectID, of upload: ObjectID) async throws {
        let removed = try await pool.runIfActive { [folder] () -> Int64 in
            guard let place = try folder.folder(upload.uuid.text) else { return 0 }
            let size = try place.extent(of: part.uuid.text)?.sizeInBytes ?? 0
            try place.remove(part.uuid.text)
            return size
        }
        share(of: upload.uuid).giveBack(removed)
    }

    /// Removes everything of an upload.
    ///
    /// - Throws: ``SpoolError`` with `.failed`.
    package func removeAll(of upload: RecordUUID) async throws {
        try await pool.runIfActive { [folder] in try folder.removeFolder(upload.text) }
        state.withLock { _ = $0.shares.removeValue(forKey: upload) }
    }

    /// The parts of an upload as one file, in the order given.
    ///
    /// - Parameters:
    ///   - parts: At least one part.
    ///   - upload: The upload.
    ///   - host: Names this host.
    /// - Returns: The file; the parts are opened when it is read.
    /// - Throws: ``MissingPart`` for the first that is not here as it was received; ``SpoolError`` with `.failed`.
    package func content(of parts: [UploadPart], upload: ObjectID, at host: String) async throws -> ConcatenatedFile {
        try await pool.runIfActive { [folder, pool] in
            let place = try folder.folder(upload.uuid.text)
            for part in parts where try place?.extent(of: part.id.uuid.text)?.sizeInBytes != part.sizeInBytes {
                throw MissingPart(part: part, elsewhere: part.host == host ? nil : part.host)
            }
            return ConcatenatedFile(sizes: parts.map(\.sizeInBytes)) { index in
                guard let file = place?.descriptor(of: parts[index].id.uuid.text) else { throw Self.gone }
                return PartFile(sizeInBytes: parts[index].sizeInBytes, SpoolDescriptor(file, pool: pool))
            }
        }
    }

    private static let gone = SpoolError(.failed, "A part of the upload has been removed. Send it again.")

    /// What is counted of an upload.
    func share(of upload: RecordUUID) -> SpoolReservation {
        state.withLock { state in
            if let share = state.shares[upload] { return share }
            let share = SpoolReservation(in: spool.ledger)
            state.shares[upload] = share
            return share
        }
    }
}

/// A part whose content is not here as it was received.
package struct MissingPart: Error {
    package let part: UploadPart
    /// The host that received it; nil if it was this one.
    package let elsewhere: String?

    /// Makes an error.
    package init(part: UploadPart, elsewhere: String?) {
        self.part = part
        self.elsewhere = elsewhere
    }
}

/// One part, open.
private final class PartFile: RandomAccessFile {
    let sizeInBytes: Int64
    private let descriptor: SpoolDescriptor

    init(sizeInBytes: Int64, _ descriptor: SpoolDescriptor) {
        self.sizeInBytes = sizeInBytes
        self.descriptor = descriptor
    }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try descriptor.read(at: offset, into: buffer)
    }
}
