import HostCore
import HostPlugins
import NIOCore
import Testing

@testable import HostTransfer

struct InputLinesTests {
    private static let names = InputLines.BatchNames(
        model: "gemini-2.5-pro",
        files: ["file-a": .init(id: "gs://b/a", mimeType: "text/plain", filename: "a.txt")]
    )

    private static func request(_ id: Int, _ body: String) -> String {
        #"{"custom_id":"\#(id)","method":"POST","url":"/v1/responses","body":\#(body)}"#
    }

    private func batch(_ text: String) throws -> InputLines {
        let file = MemoryFile(Array(text.utf8))
        return InputLines(batch: file, input: try file.input(), names: Self.names)
    }

    @Test
    func aLineComesWithItsPlacesInTheOrderOfTheText() throws {
        let line = Self.request(
            1,
            #"{"a":{"file_id":"file-a"},"model":"m","b":{"file_id":"file-a"},"file_id":"raw-1"}"#
        )

        let found = try #require(try batch(line + "\n").all().first)

        #expect(found.text == line)
        #expect(found.references.map(\.kind) == [.file, .model, .file])
        #expect(found.references.map { found.part($0.range) } == [#""file-a""#, #""m""#, #""file-a""#])
        #expect(found.references.map(\.upstreamID) == ["gs://b/a", "gemini-2.5-pro", "gs://b/a"])
        #expect(found.references.map(\.clientID) == ["file-a", "gemini-2.5-pro", "file-a"])
        #expect(found.references.map(\.mimeType) == ["text/plain", "", "text/plain"])
        #expect(found.references.map(\.filename) == ["a.txt", "", "a.txt"])
    }

    @Test
    func endsAreCutOffAndBlankLinesLeftOut() throws {
        let (first, second, third) = (
            Self.request(1, #"{"model":"m"}"#), Self.request(2, #"{"model":"m"} "#), Self.request(3, #"{"model":"m"}"#)
        )

        let lines = try batch("\n \r\n\(first)\r\n\t\n\(second)\n\n\(third)").all()

        #expect(lines.map(\.text) == [first, second, third])
    }

    @Test
    func linesGoOverThePiecesThatTheFileIsReadIn() throws {
        let lines = (0..<3000).map { Self.request($0, #"{"model":"m","x":"\#(String(repeating: "y", count: $0))"}"#) }

        let found = try batch(lines.joined(separator: "\n")).all()

        #expect(found.map(\.text) == lines)
    }

    @Test
    func oneLookReadsABoundedPart() throws {
        let file = MemoryFile(Array(repeating: 0x0a, count: 1_000_000) + Array("x".utf8))
        let lines = InputLines(file)
        var looks = 0
        while case .nothingYet = try lines.next() { looks += 1 }

        #expect(looks >= 10)
        #expect(file.longestRead <= 65_536)
        #expect(try lines.all().isEmpty)
    }

    @Test
    func aPlainLineIsNotLookedInto() throws {
        let lines = try InputLines(MemoryFile(Array("{\"file_id\":\"file-a\"}\nnot JSON\n".utf8))).all()

        #expect(lines.map(\.text) == [#"{"file_id":"file-a"}"#, "not JSON"])
        #expect(lines.allSatisfy { $0.references.isEmpty })
    }

    @Test
    func aLineThatIsTooLongIsRefusedByItsNumber() throws {
        let lines = InputLines(MemoryFile(Array("a\n\nbcd\nefghi\n".utf8)), maximumLineLength: 4)

        let error = #expect(throws: RuleError.self) { try lines.all() }

        #expect(error?.code == .tooLarge)
        #expect(error?.message.hasPrefix("Line 4 ") == true)
    }

    @Test
    func aFileThatChangedIsRefusedWithTheLine() throws {
        let checked = MemoryFile(Array((Self.request(1, #"{"model":"m"}"#) + "\n").utf8))
        let input = try checked.input()
        let broken = InputLines(batch: MemoryFile(Array("\n{\n".utf8)), input: input, names: Self.names)
        let empty = InputLines(batch: MemoryFile([]), input: input, names: Self.names)

        let error = #expect(throws: RuleError.self) { try broken.all() }
        #expect(error?.message.hasPrefix("Line 2 of the input file cannot be used. ") == true)
        #expect(throws: RuleError.self) { try empty.all() }
    }
}

extension InputLines {
    fileprivate func all() throws -> [SourceLine] {
        var lines: [SourceLine] = []
        while true {
            switch try next() {
            case .line(let line): lines.append(line)
            case .nothingYet: continue
            case .end: return lines
            }
        }
    }
}

extension SourceLine {
    fileprivate var text: String { String(buffer: bytes) }

    fileprivate func part(_ range: Range<Int>) -> String {
        String(decoding: bytes.readableBytesView.dropFirst(range.lowerBound).prefix(range.count), as: UTF8.self)
    }
}
