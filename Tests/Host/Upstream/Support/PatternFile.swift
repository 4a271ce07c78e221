import Glibc
import HostCore
import NIOCore

/// A file of any size whose bytes follow from their offset and take no space.
final class PatternFile: RandomAccessFile {
    /// Not a multiple of anything, so that a chunk in the wrong place does not fit.
    static let period = 1_048_573

    /// One period and as much again as one read may cross.
    static let pattern: [UInt8] = {
        var generator = SeededGenerator(state: 7)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(2 * period)
        for _ in 0..<period { bytes.append(UInt8.random(in: 0...255, using: &generator)) }
        bytes.append(contentsOf: bytes)
        return bytes
    }()

    let sizeInBytes: Int64
    /// How many bytes were read in all.
    let bytesRead = SharedCounter()
    private let failsAt: Int64

    init(sizeInBytes: Int64, failsAt: Int64 = .max) {
        self.sizeInBytes = sizeInBytes
        self.failsAt = failsAt
    }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset < failsAt else { return 0 }
        // Now and then less than was asked for, as the contract does not say that reads are complete.
        let count = min(buffer.count, Int(sizeInBytes - offset), 200_000)
        let start = Int(offset % Int64(Self.period))
        Self.pattern.withUnsafeBytes {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
        }
        bytesRead.add(count)
        return count
    }

    /// Whether bytes are those of a file at this offset.
    static func matches(_ bytes: ByteBuffer, at offset: Int) -> Bool {
        let start = offset % period
        return bytes.withUnsafeReadableBytes { bytes in
            bytes.count <= period
                && pattern.withUnsafeBytes { pattern in
                    guard let expected = pattern.baseAddress, let actual = bytes.baseAddress else { return false }
                    return memcmp(expected + start, actual, bytes.count) == 0
                }
        }
    }
}
