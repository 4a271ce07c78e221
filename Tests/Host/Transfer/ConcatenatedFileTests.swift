import HostCore
import Synchronization
import Testing

@testable import HostTransfer

struct ConcatenatedFileTests {
    /// Bytes in memory that can be read like a file.
    private final class Piece: RandomAccessFile {
        let bytes: [UInt8]
        var sizeInBytes: Int64 { Int64(bytes.count) }

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
            let part = bytes.dropFirst(Int(offset)).prefix(buffer.count)
            buffer.copyBytes(from: part)
            return part.count
        }
    }

    private static let pieces: [[UInt8]] = [[1, 2, 3], [4], [], [5, 6, 7, 8, 9], [10]]
    private static let whole = pieces.flatMap { $0 }

    private func file(_ pieces: [[UInt8]], sizes: [Int64]? = nil) -> ConcatenatedFile {
        ConcatenatedFile(sizes: sizes ?? pieces.map { Int64($0.count) }) { Piece(pieces[$0]) }
    }

    private func read(_ file: ConcatenatedFile, at offset: Int64, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try bytes.withUnsafeMutableBytes { try file.read(at: offset, into: $0) }
        return Array(bytes.prefix(read))
    }

    @Test
    func everyRangeIsThatOfTheWhole() throws {
        let file = file(Self.pieces)

        #expect(file.sizeInBytes == 10)
        for offset in 0...11 {
            for count in 0...12 {
                let expected = Array(Self.whole.dropFirst(offset).prefix(count))
                #expect(try read(file, at: Int64(offset), count) == expected)
            }
        }
    }

    @Test
    func noFilesAreAnEmptyOne() throws {
        let file = file([])

        #expect(file.sizeInBytes == 0)
        #expect(try read(file, at: 0, 5).isEmpty)
    }

    @Test
    func aFileThatIsShorterThanItWasIsNotReadOverIt() throws {
        let file = file([[1, 2], [3]], sizes: [2, 5])

        #expect(throws: SpoolError.self) { try read(file, at: 0, 7) }
        #expect(try read(file, at: 0, 2) == [1, 2])
    }

    @Test
    func aNegativeOffsetIsRefused() {
        #expect(throws: SpoolError.self) { try read(file(Self.pieces), at: -1, 1) }
    }

    @Test
    func whatCannotBeOpenedIsToldToWhoeverReadsIt() throws {
        let file = ConcatenatedFile(sizes: [1, 1]) { index in
            guard index == 0 else { throw SpoolError(.failed, "It is gone.") }
            return Piece([7])
        }

        #expect(try read(file, at: 0, 1) == [7])
        #expect(throws: SpoolError.self) { try read(file, at: 0, 2) }
    }

    @Test
    func fewFilesAreOpenAtOnceAndEachIsOpenedOnceByOneReader() throws {
        let opened = Mutex<[Int]>([])
        let file = ConcatenatedFile(sizes: Array(repeating: 4, count: 100)) { index in
            opened.withLock { $0.append(index) }
            return Piece([UInt8](repeating: UInt8(index), count: 4))
        }

        for offset in 0..<400 { #expect(try read(file, at: Int64(offset), 1) == [UInt8(offset / 4)]) }

        #expect(opened.withLock { $0 } == Array(0..<100))
    }
}
