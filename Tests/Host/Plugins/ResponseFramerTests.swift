import NIOCore
import Testing

@testable import HostPlugins

struct ResponseFramerTests {
    private static let stream = """
        : a comment\r
        event: first\r
        data: one\r
        data:two\r
        data:  three\r
        id: 7\r
        retry: 5\r
        \r
        data\r
        \r
        event: unused\r
        \r
        database: no\r
        data: é✓\r
        \r
        data: [DONE]\r
        \r
        data: never finished
        """

    private static let events = [
        "first=one\ntwo\n three", "=", "=é✓", "=[DONE]",
    ]

    private func frames(_ text: String, _ framing: ResponseFraming, cuts: [Int]) throws -> [String] {
        var framer = ResponseFramer(framing)
        let bytes = ByteBuffer(string: text)
        var frames: [ResponseFramer.Frame] = []
        var start = 0
        for cut in cuts + [bytes.readableBytes] where cut >= start {
            frames += try framer.add(try #require(bytes.getSlice(at: start, length: cut - start)))
            start = cut
        }
        frames += try framer.finish()
        return frames.map { "\($0.event)=\(String(buffer: $0.data))" }
    }

    @Test
    func eventsAreTheSameWhereverTheStreamIsCut() throws {
        for text in [Self.stream, Self.stream.replacing("\r\n", with: "\n")] {
            let count = text.utf8.count
            for cut in 0...count {
                #expect(try frames(text, .serverSentEvents, cuts: [cut]) == Self.events)
            }
            #expect(try frames(text, .serverSentEvents, cuts: Array(0..<count)) == Self.events)
        }
    }

    @Test
    func linesAreTheSameWhereverTheBodyIsCut() throws {
        let text = "one\r\n\ntwo\rstill two\n\r\nlast"
        let expected = ["=one", "=", "=two\rstill two", "=", "=last"]
        for cut in 0...text.utf8.count { #expect(try frames(text, .lines, cuts: [cut]) == expected) }
        #expect(try frames(text, .lines, cuts: Array(0..<text.utf8.count)) == expected)
        #expect(try frames("a\n", .lines, cuts: []) == ["=a"])
        #expect(try frames("a\r", .lines, cuts: []) == ["=a"])
        #expect(try frames("", .lines, cuts: []) == [])
    }

    @Test
    func aWholeBodyIsOneFrameWhereverItIsCut() throws {
        for cut in 0...5 { #expect(try frames("a\n\r\nb", .whole, cuts: [cut]) == ["=a\n\r\nb"]) }
        #expect(try frames("", .whole, cuts: []) == ["="])
    }

    @Test
    func rawPiecesComeAsTheyAre() throws {
        #expect(try frames("abc", .raw, cuts: [0, 1, 1]) == ["=a", "=bc"])
    }

    @Test(arguments: [ResponseFraming.whole, .lines, .serverSentEvents])
    func moreThanTheLimitInOneFrameIsAnError(framing: ResponseFraming) throws {
        let piece = ByteBuffer(repeating: 0x61, count: 1 << 20)
        var framer = ResponseFramer(framing)
        for _ in 0..<(ResponseFramer.maximumFrameBytes >> 20) { #expect(try framer.add(piece) == []) }

        #expect(throws: ResponseFramer.TooLarge.self) { try framer.add(ByteBuffer(repeating: 0x61, count: 1)) }
    }

    @Test
    func anEventOfManyLinesIsBoundedToo() throws {
        var line = ByteBuffer(string: "data: ")
        line.writeRepeatingByte(0x61, count: 1 << 20)
        line.writeInteger(UInt8(ascii: "\n"))
        var framer = ResponseFramer(.serverSentEvents)

        #expect(throws: ResponseFramer.TooLarge.self) {
            for _ in 0...(ResponseFramer.maximumFrameBytes >> 20) { _ = try framer.add(line) }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func anEventOfVeryManyShortLinesIsNotCopiedForEach() throws {
        let lines = ByteBuffer(string: String(repeating: "data:x\n", count: 10_000))
        var framer = ResponseFramer(.serverSentEvents)
        for _ in 0..<10 { #expect(try framer.add(lines) == []) }
        let frames = try framer.add(ByteBuffer(string: "\n"))

        #expect(frames.map(\.data.readableBytes) == [2 * 100_000 - 1])
    }
}
