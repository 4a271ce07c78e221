import HostCore
import Testing

@testable import HostTransfer

struct RewrittenBatchFileTests {
    private static let rewriting = BatchRewriting(model: "gpt-4o-2024-08-06", files: ["file-a": "prov-0123456789"])

    @Test(arguments: [1, 7, 4096, 300_000, 5_000_000])
    func theFileIsReadInPieces(step: Int) throws {
        // More than one read of the source, unless each byte is asked for.
        let count = step < 4096 ? 20 : 9000
        let source = MemoryFile(Self.lines(count))
        let file = RewrittenBatchFile(source, input: try source.input(), rewriting: Self.rewriting)

        let bytes = try file.readAll(by: step)

        #expect(bytes.count == Int(file.sizeInBytes))
        #expect(bytes == Self.lines(count, model: "gpt-4o-2024-08-06", file: "prov-0123456789"))
    }

    @Test
    func aReadCanBeginAnew() throws {
        let source = MemoryFile(Self.lines(9000))
        let file = RewrittenBatchFile(source, input: try source.input(), rewriting: Self.rewriting)
        let bytes = try file.readAll(by: 100_000)

        for offset in [700_000, 0, 3, 699_990, Int(file.sizeInBytes) - 1, Int(file.sizeInBytes), 1] {
            let expected = Array(bytes[offset..<min(offset + 50, bytes.count)])
            #expect(try file.read(at: offset, count: 50) == expected, "at \(offset)")
        }
    }

    @Test
    func aFileThatChangedIsNotSentAsIfItHadNot() throws {
        let source = MemoryFile(Self.lines(10))
        let input = try source.input()
        let shorter = MemoryFile(Self.lines(9))
        let file = RewrittenBatchFile(shorter, input: input, rewriting: Self.rewriting)

        #expect(throws: RuleError.self) { try file.readAll(by: 100_000) }
    }

    @Test
    func memoryDoesNotGrowWithTheFile() throws {
        let source = MemoryFile(Self.lines(9000))
        let file = RewrittenBatchFile(source, input: try source.input(), rewriting: Self.rewriting)

        _ = try file.readAll(by: 64 * 1024)

        #expect(file.bytesHeld < 1_000_000)
    }

    private static func lines(_ count: Int, model: String = "public", file: String = "file-a") -> [UInt8] {
        var text = ""
        for index in 0..<count {
            text += #"{"custom_id":"\#(index)","method":"POST","url":"/v1/responses","body":{"model":"\#(model)","#
            text += #""input":[{"type":"input_file","file_id":"\#(file)"},{"text":"# + "\"\(index * index)\"}]}}\n"
        }
        return Array(text.utf8)
    }
}

extension RewrittenBatchFile {
    fileprivate func readAll(by step: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let piece = try read(at: Int64(bytes.count), count: step)
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }

    fileprivate func read(at offset: Int, count: Int) throws -> [UInt8] { try read(at: Int64(offset), count: count) }

    private func read(at offset: Int64, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
            length = try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
