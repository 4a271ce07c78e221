import HostCore
import HostPlugins
import NIOCore
import Synchronization

/// A JSONL file as a plugin pulls it, one line at a time; blank lines are left out.
///
/// It holds one piece of the file and the line that the piece ends in. Made to be read once.
package final class InputLines: SourceLines {
    private static let pieceInBytes = 64 * 1024

    /// A deployment's copy of a file that lines name.
    package struct NamedCopy: Sendable {
        /// The provider's id.
        package let id: String
        package let mimeType: String
        package let filename: String

        /// Makes a copy's description.
        package init(id: String, mimeType: String, filename: String) {
            self.id = id
            self.mimeType = mimeType
            self.filename = filename
        }
    }

    /// A deployment's names for what the lines of a batch's input name.
    package struct BatchNames: Sendable {
        let model: String
        let files: [String: NamedCopy]

        /// Makes the names.
        ///
        /// - Parameters:
        ///   - model: The deployment's name of the model at its provider.
        ///   - files: The deployment's copies, by what the lines call the files; what is missing stays as it is.
        package init(model: String, files: [String: NamedCopy]) {
            self.model = model
            self.files = files
        }
    }

    private let source: any RandomAccessFile
    private let names: BatchNames?
    private let state: Mutex<Reading>

    /// Reads the input of a batch, in which each line is a request.
    ///
    /// - Parameters:
    ///   - source: What the client uploaded, whole.
    ///   - input: What a ``BatchInputReader`` found in it.
    ///   - names: The deployment's.
    ///   - maximumLineLength: In bytes, without the line's end.
    package init(
        batch source: any RandomAccessFile,
        input: BatchInput,
        names: BatchNames,
        maximumLineLength: Int = BatchInputReader.Limits().lineBytes
    ) {
        self.source = source
        self.names = names
        state = Mutex(Reading(maximumLineLength: maximumLineLength, lines: input.requests))
    }

    /// Reads lines in which nothing is to be found, such as examples to tune a model with.
    package init(
        _ source: any RandomAccessFile,
        maximumLineLength: Int = BatchInputReader.Limits().lineBytes
    ) {
        self.source = source
        names = nil
        state = Mutex(Reading(maximumLineLength: maximumLineLength, lines: nil))
    }

    package func next() throws -> SourcePiece {
        // One operation pulls, one line after the other: nobody waits for this lock.
        try state.withLock { reading in
            if !reading.hasLine, !reading.isEnded { try reading.readOn(in: source, by: Self.pieceInBytes) }
            guard let (bytes, number) = reading.take() else {
                guard reading.isEnded else { return .nothingYet }
                try reading.checkEnd()
                return .end
            }
            do throws(RuleError) {
                return .line(SourceLine(bytes: bytes, references: try references(in: bytes)))
            } catch {
                throw error.inLine(number)
            }
        }
    }

    private func references(in line: ByteBuffer) throws(RuleError) -> [OperationReference] {
        guard let names else { return [] }
        let found = try line.withUnsafeReadableBytes { bytes in
            Result { () throws(RuleError) in try BatchLine(bytes, withPaths: false) }
        }.get()
        let model = OperationReference(
            kind: .model,
            range: found.modelRange,
            clientID: names.model,
            upstreamID: names.model
        )
        guard !found.files.isEmpty else { return [model] }
        var references: [OperationReference] = []
        references.reserveCapacity(found.files.count + 1)
        for place in found.files {
            guard let copy = names.files[place.text] else { continue }
            references.append(
                OperationReference(
                    kind: .file,
                    range: place.range,
                    clientID: place.text,
                    upstreamID: copy.id,
                    mimeType: copy.mimeType,
                    filename: copy.filename
                )
            )
        }
        let after = references.firstIndex { $0.range.lowerBound > model.range.lowerBound } ?? references.endIndex
        references.insert(model, at: after)
        return references
    }
}

/// How far a file has been read, and the lines of its latest piece.
private struct Reading {
    private var splitter: LineSplitter
    private let expectedLines: Int?
    private var offset: Int64 = 0
    private var bytes = ByteBuffer()
    /// The lines that have not been taken, in reverse order: how long each is and which of the file.
    private var lines: [(length: Int, number: Int)] = []
    private var linesTaken = 0
    private(set) var isEnded = false

    init(maximumLineLength: Int, lines: Int?) {
        splitter = LineSplitter(maximumLength: maximumLineLength)
        expectedLines = lines
    }

    var hasLine: Bool { !lines.isEmpty }

    mutating func take() -> (bytes: ByteBuffer, number: Int)? {
        guard let line = lines.popLast(), let bytes = bytes.readSlice(length: line.length) else { return nil }
        linesTaken += 1
        return (bytes, line.number)
    }

    /// Reads one piece of the file and cuts it into lines.
    mutating func readOn(in source: any RandomAccessFile, by count: Int) throws {
        bytes.clear(minimumCapacity: count)
        let read = try withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { buffer in
            let read = try source.read(at: offset, into: buffer)
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<read])
            if read > 0 {
                try Self.split(piece, by: &splitter, into: &bytes, &lines)
            } else {
                try Self.finish(&splitter, into: &bytes, &lines)
            }
            return read
        }
        offset += Int64(read)
        isEnded = read == 0
        lines.reverse()
    }

    func checkEnd() throws(RuleError) {
        guard let expectedLines, expectedLines != linesTaken else { return }
        throw RuleError(
            .invalidRequest,
            "The input file has another content than when it was checked: \(linesTaken) requests instead of "
                + "\(expectedLines)."
        )
    }

    // What a step changes is lent apart, for the splitter is at work while its lines are added.
    private static func split(
        _ piece: UnsafeRawBufferPointer,
        by splitter: inout LineSplitter,
        into bytes: inout ByteBuffer,
        _ lines: inout [(length: Int, number: Int)]
    ) throws(RuleError) {
        var number = splitter.lines
        try splitter.take(piece) { line throws(RuleError) in
            number += 1
            add(line, number, to: &bytes, &lines)
        }
    }

    private static func finish(
        _ splitter: inout LineSplitter,
        into bytes: inout ByteBuffer,
        _ lines: inout [(length: Int, number: Int)]
    ) throws(RuleError) {
        let number = splitter.lines + 1
        try splitter.finish { line throws(RuleError) in add(line, number, to: &bytes, &lines) }
    }

    private static func add(
        _ line: UnsafeRawBufferPointer,
        _ number: Int,
        to bytes: inout ByteBuffer,
        _ lines: inout [(length: Int, number: Int)]
    ) {
        guard !line.isBlankLine else { return }
        var end = line.count
        if line[end - 1] == 0x0a { end -= 1 }
        if end > 0, line[end - 1] == 0x0d { end -= 1 }
        bytes.writeBytes(UnsafeRawBufferPointer(rebasing: line[..<end]))
        lines.append((end, number))
    }
}
