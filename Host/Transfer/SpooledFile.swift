import HostCore

/// A complete upload, on disk or, a small one, in memory.
///
/// A file has no name: the space is freed when the last reference goes, or the process ends.
package final class SpooledFile: RandomAccessFile {
    package let sizeInBytes: Int64
    /// Lower-case hexadecimal SHA-256 of the content.
    package let sha256: String
    private let storage: any SpoolStorage
    let reservation: SpoolReservation

    init(sizeInBytes: Int64, sha256: String, storage: any SpoolStorage, reservation: SpoolReservation) {
        self.sizeInBytes = sizeInBytes
        self.sha256 = sha256
        self.storage = storage
        self.reservation = reservation
    }

    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try storage.read(at: offset, into: buffer)
    }

    package func duplicateDescriptor() -> Int32? { storage.duplicate() }
    package func prefetch(_ range: Range<Int64>) throws { try storage.prefetch(range) }
}
