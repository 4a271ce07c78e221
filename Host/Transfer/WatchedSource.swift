import HostCore
import Synchronization

/// A file on its way to one target, which tells whether that can have got all of it.
final class WatchedSource: RandomAccessFile {
    private let file: any RandomAccessFile
    private let furthest = Atomic<Int64>(0)

    init(_ file: any RandomAccessFile) { self.file = file }

    /// Whether the last byte has been read, or made ready for the system to send.
    var wasReadToEnd: Bool { furthest.load(ordering: .acquiring) >= sizeInBytes }

    var sizeInBytes: Int64 { file.sizeInBytes }
    var growth: (any FileGrowth)? { file.growth }
    func duplicateDescriptor() -> Int32? { file.duplicateDescriptor() }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try file.read(at: offset, into: buffer)
        note(offset + Int64(count))
        return count
    }

    func prefetch(_ range: Range<Int64>) throws {
        note(range.upperBound)
        try file.prefetch(range)
    }

    private func note(_ end: Int64) { furthest.max(end, ordering: .acquiringAndReleasing) }
}
