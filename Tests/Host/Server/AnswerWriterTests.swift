import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HostServer

struct AnswerWriterTests {
    /// What a client makes of the bytes of one answer.
    private struct Read {
        var head: HTTPResponseHead?
        var body = ""
        var hasEnded = false
    }

    /// All bytes of an answer with these pieces.
    private func bytes(
        _ head: AnswerHead,
        _ pieces: [String],
        isOld: Bool = false,
        isLast: Bool = false
    ) throws -> ByteBuffer {
        var writer = AnswerWriter(head, isOld: isOld, isLast: isLast)
        var bytes = ByteBuffer()
        for piece in pieces {
            for var written in try writer.add(ByteBuffer(string: piece)) { bytes.writeBuffer(&written) }
        }
        try writer.end()
        if var rest = writer.take() { bytes.writeBuffer(&rest) }
        return bytes
    }

    /// Reads an answer with NIO's parser; at the end the connection closes.
    private func read(_ bytes: ByteBuffer, closing: Bool = false) throws -> Read {
        let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .fireError))
        let channel = EmbeddedChannel(handlers: [decoder])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        // The decoder wants to know to what it is the answer.
        try channel.writeOutbound(HTTPClientRequestPart.head(.init(version: .http1_1, method: .POST, uri: "/")))
        try channel.writeInbound(bytes)
        if closing { _ = try channel.finish(acceptAlreadyClosed: true) }
        var read = Read()
        while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
            switch part {
            case .head(let head): read.head = head
            case .body(let piece): read.body += String(buffer: piece)
            case .end: read.hasEnded = true
            }
        }
        return read
    }

    private static let sizes = [
        [], [0], [1], [15, 16, 17], [4095], [4096], [4097], [3, 5000, 3], [9000, 9000, 0, 1],
    ]

    private func pieces(_ sizes: [Int]) -> [String] { sizes.map { String(repeating: "x", count: $0) } }

    @Test(arguments: sizes)
    func aBodyOfKnownLengthIsReadAsItWasWritten(sizes: [Int]) throws {
        let length = sizes.reduce(0, +)

        let answer = try read(try bytes(AnswerHead(.ok, length: length), pieces(sizes)))

        #expect(answer.hasEnded && answer.body.utf8.count == length)
        #expect(answer.head?.headers["content-length"] == ["\(length)"])
        #expect(answer.head?.headers["transfer-encoding"] == [])
    }

    @Test(arguments: sizes)
    func aBodyOfUnknownLengthIsSentInChunks(sizes: [Int]) throws {
        let answer = try read(try bytes(AnswerHead(.ok, length: nil), pieces(sizes)))

        #expect(answer.hasEnded && answer.body.utf8.count == sizes.reduce(0, +))
        #expect(answer.head?.headers["transfer-encoding"] == ["chunked"])
        #expect(answer.head?.headers["content-length"] == [])
    }

    @Test(arguments: sizes)
    func anOldClientGetsNoChunksButTheEndOfTheConnection(sizes: [Int]) throws {
        let bytes = try bytes(AnswerHead(.ok, length: nil), pieces(sizes), isOld: true)
        let answer = try read(bytes, closing: true)

        #expect(String(buffer: bytes).hasPrefix("HTTP/1.0 200 OK\r\n"))
        #expect(answer.hasEnded && answer.body.utf8.count == sizes.reduce(0, +))
        #expect(answer.head?.headers["connection"] == ["close"])
        #expect(answer.head?.headers["transfer-encoding"] == [])
    }

    @Test(arguments: [HTTPResponseStatus.noContent, .notModified], [nil, 7])
    func anAnswerThatHasNoBodySaysNothingOfOne(status: HTTPResponseStatus, length: Int?) throws {
        let bytes = try bytes(AnswerHead(status, length: length), ["ignored"])

        #expect(String(buffer: bytes) == "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n\r\n")
    }

    @Test
    func headersAndTheEndOfTheConnectionAreSaid() throws {
        var head = AnswerHead(.tooManyRequests, length: 0)
        head.add("retry-after", "1")
        head.add("content-type", "application/json; charset=\"a long one that is no small string\"")

        let answer = try read(try bytes(head, [], isLast: true))

        #expect(answer.head?.status == .tooManyRequests)
        #expect(answer.head?.headers["retry-after"] == ["1"])
        #expect(
            answer.head?.headers["content-type"]
                == ["application/json; charset=\"a long one that is no small string\""]
        )
        #expect(answer.head?.headers["connection"] == ["close"])
    }

    @Test
    func aStatusWithoutANameIsWritten() throws {
        let bytes = try bytes(AnswerHead(HTTPResponseStatus(statusCode: 599), length: 0), [])

        #expect(try read(bytes).head?.status.code == 599)
    }

    @Test(arguments: ["a\r\nset-cookie: b", "a\nb", "a\0b", "a\u{7f}b", "a\tb"])
    func aValueCannotEndItsHeader(value: String) throws {
        var head = AnswerHead(.ok, length: 0)
        head.add("content-type", value)

        let headers = try #require(try read(try bytes(head, [])).head).headers

        #expect(headers.map(\.name) == ["content-type", "content-length"])
        #expect(headers.first(name: "content-type")?.hasPrefix("a ") == true)
    }

    @Test(arguments: [0, 1, 10_000])
    func moreThanWasPromisedIsNotWritten(length: Int) throws {
        var writer = AnswerWriter(AnswerHead(.ok, length: length), isOld: false, isLast: false)

        #expect(throws: WrongLength.self) {
            try writer.add(ByteBuffer(repeating: 0, count: length + 1))
        }
    }

    @Test(arguments: [1, 10_000])
    func lessThanWasPromisedIsNoEnd(length: Int) throws {
        var writer = AnswerWriter(AnswerHead(.ok, length: length), isOld: false, isLast: false)
        _ = try writer.add(ByteBuffer(repeating: 0, count: length - 1))

        #expect(throws: WrongLength.self) { try writer.end() }
    }

    @Test
    func aShortAnswerIsOneBuffer() throws {
        var writer = AnswerWriter(AnswerHead(.ok, length: 6), isOld: false, isLast: false)

        #expect(try writer.add(ByteBuffer(string: "abc")).isEmpty)
        #expect(try writer.add(ByteBuffer(string: "def")).isEmpty)
        try writer.end()

        #expect(writer.take().map { String(buffer: $0) } == "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcdef")
        #expect(writer.take() == nil)
    }
}
