import HostCore
import Synchronization

/// Several files, one behind the other, read as one; nothing is copied.
///
/// They are opened when they are read, and few are open at once, however many there are.
package final class ConcatenatedFile: RandomAccessFile {
    /// As many readers as this, each at a place of its own, do not open a file twice.
    private static let mostOpen = 8

    private struct OpenPiece {
        let index: Int
        let file: any RandomAccessFile
    }

    package let sizeInBytes: Int64
    /// Where each piece begins, and where the last one ends.
    private let bounds: [Int64]
    private let open: @Sendable (Int) throws -> any RandomAccessFile
    /// Those that were used last, the latest behind.
    private let opened = Mutex<[OpenPiece]>([])

    /// Puts files together.
    ///
    /// - Parameters:
    ///   - sizes: What the files have, in their order.
    ///   - open: Opens one of them, by its place in that order; blocks.
    package init(sizes: [Int64], open: @escaping @Sendable (Int) throws -> any RandomAccessFile) {
        bounds = sizes.reduce(into: [0]) { bounds, size in bounds.append(bounds[bounds.count - 1] + size) }
        sizeInBytes = bounds[bounds.count - 1]
        self.open = open
    }

    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset >= 0 else { throw SpoolError(.failed, "A spooled file was read at a negative offset.") }
        var count = 0
        var index = piece(at: offset)
        while count < buffer.count, index < bounds.count - 1 {
            let start = offset + Int64(count) - bounds[index]
            let left = bounds[index + 1] - bounds[index] - start
            if left > 0 {
                let wanted = min(buffer.count - count, Int(left))
                let place = UnsafeMutableRawBufferPointer(rebasing: buffer[count..<count + wanted])
                let read = try file(index).read(at: start, into: place)
                guard read == wanted else { throw SpoolError(.failed, "A part of an upload is shorter than it was.") }
                count += wanted
            }
            index += 1
        }
        return count
    }

    /// The piece with the byte at an offset: the last one that does not begin behind it.
    private func piece(at offset: Int64) -> Int {
        var (low, high) = (0, bounds.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if bounds[middle] <= offset { low = middle } else { high = middle - 1 }
        }
        return low
    }

    private func file(_ index: Int) throws -> any RandomAccessFile {
        let known = opened.withLock { opened -> (any RandomAccessFile)? in
            guard let place = opened.lastIndex(where: { $0.index == index }) else { return nil }
            let piece = opened.remove(at: place)
            opened.append(piece)
            return piece.file
        }
        if let known { return known }
        // Two readers may open the same one: the second is as good, and the first goes when it is not used any more.
        let file = try open(index)
        opened.withLock { opened in
            opened.removeAll { $0.index == index }
            opened.append(OpenPiece(index: index, file: file))
            if opened.count > Self.mostOpen { opened.removeFirst() }
        }
        return file
    }
}
