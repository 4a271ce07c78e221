import HostCore
import NIOPosix
import Synchronization

/// The directory that holds uploads while they are sent on.
///
/// Its files lose their names as soon as they are open, so that nothing is left of a process that dies. Should one die
/// between the two steps, its empty file is removed by the next one that starts: each process holds a lock on a file of
/// its own, and a lock that can be had belongs to nobody alive.
package final class SpoolDirectory: Sendable {
    let pool: NIOThreadPool
    let ledger: SpoolLedger
    let folder: SpoolFolder
    private let owner: SpoolOwner
    private let filesMade = Mutex<UInt64>(0)

    /// Opens the directory, makes it if it is missing, and clears what dead processes left in it; blocks.
    ///
    /// - Parameters:
    ///   - path: The directory; nobody but this user may have access to it.
    ///   - pool: Where files are written and closed; started and stopped by the caller.
    ///   - limitInBytes: What all files together may have.
    /// - Throws: ``SpoolError`` with `.unusableDirectory` or `.failed`.
    package init(path: String, pool: NIOThreadPool, limitInBytes: Int64) throws(SpoolError) {
        self.pool = pool
        ledger = SpoolLedger(limitInBytes: limitInBytes)
        folder = try SpoolFolder(path: path)
        owner = try SpoolOwner(in: folder)
    }

    /// The bytes that files and uploads hold or have reserved now.
    package var reservedBytes: Int64 { ledger.reservedBytes }

    /// Opens a new file; an upload that is known to be small is kept in memory, though its share is counted, too.
    ///
    /// - Parameters:
    ///   - maximumBytes: What this file may have.
    ///   - expectedBytes: What it will probably have, such as the request's `Content-Length`: reserved at once, so that
    ///     an upload that cannot fit is refused before it begins. Without it the share grows with the file. One that is
    ///     said to be small must not have more.
    /// - Returns: A writer whose file goes with it, unless it is finished.
    /// - Throws: ``SpoolError`` with `.full`, `.diskFull` or `.failed`.
    package func writer(maximumBytes: Int64, expectedBytes: Int64? = nil) async throws -> SpoolWriter {
        let reservation = try reservation(maximumBytes: maximumBytes, expectedBytes: expectedBytes)
        return SpoolWriter(
            maximumBytes: maximumBytes,
            tape: SpoolTape(try await storage(expectedBytes), pool: pool),
            reservation: reservation
        )
    }

    /// Opens a new file that has a name for as long as somebody holds that.
    ///
    /// - Parameters:
    ///   - maximumBytes: As for ``writer(maximumBytes:expectedBytes:)``.
    ///   - expectedBytes: Likewise.
    ///   - parameter: What the file is called in the request, for messages.
    /// - Returns: A writer, and the file's name.
    /// - Throws: ``SpoolError`` with `.full`, `.diskFull` or `.failed`.
    func namedWriter(
        maximumBytes: Int64,
        expectedBytes: Int64?,
        parameter: String
    ) async throws -> (SpoolWriter, NamedSpoolFile) {
        let reservation = try reservation(maximumBytes: maximumBytes, expectedBytes: expectedBytes)
        let name = newName()
        let descriptor = try await pool.runIfActive { [folder, pool] in
            SpoolDescriptor(try folder.create(name), pool: pool)
        }
        let tape = SpoolTape(descriptor, pool: pool)
        return (
            SpoolWriter(maximumBytes: maximumBytes, parameter: parameter, tape: tape, reservation: reservation),
            NamedSpoolFile(name, descriptor, in: folder, pool: pool)
        )
    }

    /// Removes what processes left that have died since; blocks.
    ///
    /// - Throws: ``SpoolError`` with `.failed`.
    func clear() throws(SpoolError) { try owner.clear() }

    private func reservation(maximumBytes: Int64, expectedBytes: Int64?) throws -> SpoolReservation {
        try SpoolReservation(max(0, min(expectedBytes ?? 0, maximumBytes)), in: ledger)
    }

    private func newName() -> String {
        let number = filesMade.withLock { made in
            made += 1
            return made
        }
        return owner.fileName(number)
    }

    private func storage(_ expectedBytes: Int64?) async throws -> any SpoolStorage {
        if let expectedBytes, expectedBytes <= SpoolMemory.longestContent {
            return SpoolMemory(capacity: expectedBytes)
        }
        let name = newName()
        return try await pool.runIfActive { [folder, pool] in
            let descriptor = SpoolDescriptor(try folder.create(name), pool: pool)
            try folder.remove(name)
            return descriptor
        }
    }
}
