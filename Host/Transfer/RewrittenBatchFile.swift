import HostCore
import Synchronization

/// A batch's input as one deployment gets it: rewritten line by line while it is read, and nowhere written down.
///
/// Made to be read from the beginning to the end, a piece at a time; going back is possible and begins anew, as when
/// an upload is repeated.
package final class RewrittenBatchFile: RandomAccessFile {
    package let sizeInBytes: Int64
    private let source: any RandomAccessFile
    private let state: Mutex<Production>

    /// Makes a file.
    ///
    /// - Parameters:
    ///   - source: What the client uploaded, whole.
    ///   - input: What a ``BatchInputReader`` found in it.
    ///   - rewriting: The deployment's names.
    package init(_ source: any RandomAccessFile, input: BatchInput, rewriting: BatchRewriting) {
        self.source = source
        sizeInBytes = input.size(after: rewriting)
        state = Mutex(Production(rewriting))
    }

    /// How much of the output is held in memory.
    var bytesHeld: Int { state.withLock(\.bytesHeld) }

    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        // One operation reads the file, one piece after the other: nobody waits for this lock.
        try state.withLock { production in
            try production.prepare(offset..<offset + Int64(buffer.count), from: source)
            guard production.isEnded, production.end != sizeInBytes else {
                return production.copy(from: offset, into: buffer)
            }
            throw RuleError(
                .invalidRequest,
                "The input file has another content than when it was checked: \(production.end) bytes after rewriting "
                    + "instead of \(sizeInBytes)."
            )
        }
    }
}

/// How far a rewriting has come, and the part of its output that may still be asked for.
private struct Production {
    private static let readBytes = 256 * 1024

    private let rewriting: BatchRewriting
    private var splitter = LineSplitter(maximumLength: .max)
    private var sourceOffset: Int64 = 0
    private var output: [UInt8] = []
    /// Where the output begins in the rewritten file.
    private var start: Int64 = 0
    private(set) var isEnded = false

    init(_ rewriting: BatchRewriting) { self.rewriting = rewriting }

    var bytesHeld: Int { output.capacity }
    var end: Int64 { start + Int64(output.count) }

    /// Goes on until the output has the range, or all that there is of it.
    mutating func prepare(_ range: Range<Int64>, from source: any RandomAccessFile) throws {
        if range.lowerBound < start { self = Production(rewriting) }
        while !isEnded, end < range.upperBound {
            drop(before: range.lowerBound)
            try produce(from: source)
        }
    }

    private mutating func drop(before offset: Int64) {
        let count = Int(min(offset - start, Int64(output.count)))
        guard count > 0 else { return }
        output.removeFirst(count)
        start += Int64(count)
    }

    private mutating func produce(from source: any RandomAccessFile) throws {
        let count = try withUnsafeTemporaryAllocation(byteCount: Self.readBytes, alignment: 16) { buffer in
            let count = try source.read(at: sourceOffset, into: buffer)
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            try Self.rewrite(bytes, by: &splitter, rewriting, into: &output)
            return count
        }
        sourceOffset += Int64(count)
        guard count == 0 else { return }
        isEnded = true
        try Self.finish(&splitter, rewriting, into: &output)
    }

    // The splitter and the output are changed at once, so they are lent apart.
    private static func rewrite(
        _ bytes: UnsafeRawBufferPointer,
        by splitter: inout LineSplitter,
        _ rewriting: BatchRewriting,
        into output: inout [UInt8]
    ) throws(RuleError) {
        try splitter.take(bytes) { line throws(RuleError) in try rewriting.append(line, to: &output) }
    }

    private static func finish(
        _ splitter: inout LineSplitter,
        _ rewriting: BatchRewriting,
        into output: inout [UInt8]
    ) throws(RuleError) {
        try splitter.finish { line throws(RuleError) in try rewriting.append(line, to: &output) }
    }

    func copy(from offset: Int64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let begin = Int(min(max(offset - start, 0), Int64(output.count)))
        let count = min(buffer.count, output.count - begin)
        output.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[begin..<begin + count])) }
        return count
    }
}
