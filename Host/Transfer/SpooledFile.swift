import HostCore

/// A complete upload on disk.
///
/// It has no name: the space is freed when the last reference goes, or the process ends.
package final class SpooledFile: RandomAccessFile {
    package let sizeInBytes: Int64
    /// Lower-case hexadecimal SHA-256 of the content.
    package let sha256: String
    private let descriptor: SpoolDescriptor
    private let reservation: SpoolReservation

    init(sizeInBytes: Int64, sha256: String, descriptor: SpoolDescriptor, reservation: SpoolReservation) {
        self.sizeInBytes = sizeInBytes
        self.sha256 = sha256
        self.descriptor = descriptor
        self.reservation = reservation
    }

    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try descriptor.read(at: offset, into: buffer)
    }

    package func duplicateDescriptor() -> Int32? { descriptor.duplicate() }
    package func prefetch(_ range: Range<Int64>) throws { try descriptor.prefetch(range) }
}
