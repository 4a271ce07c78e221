import NIOCore
import Testing

@testable import gantry_load

struct MessageParserTests {
    /// What a parser makes of bytes that come in pieces.
    private struct Outcome: Equatable {
        var statuses: [Int] = []
        var bodies: [String] = []
        var ends = 0
        var closes: [Bool] = []
    }

    private func parse(_ text: String, piece: Int = .max) throws -> Outcome {
        var parser = MessageParser(.response)
        var outcome = Outcome()
        var rest = ByteBuffer(string: text)
        while rest.readableBytes > 0, let next = rest.readSlice(length: min(piece, rest.readableBytes)) {
            parser.append(next)
            while let part = try parser.next() {
                switch part {
                case .head(let head):
                    outcome.statuses.append(head.status)
                    outcome.closes.append(head.closes)
                    outcome.bodies.append("")
                case .body(let bytes): outcome.bodies[outcome.bodies.count - 1] += String(buffer: bytes)
                case .end: outcome.ends += 1
                }
            }
        }
        return outcome
    }

    private static let two =
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        + "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"

    @Test(arguments: 1...40)
    func answersAreTakenApartHoweverTheyAreCut(piece: Int) throws {
        let outcome = try parse(Self.two, piece: piece)

        #expect(outcome.statuses == [200, 404])
        #expect(outcome.bodies == ["hello", "abc0123456789"])
        #expect(outcome.ends == 2)
        #expect(outcome.closes == [false, false])
    }

    @Test
    func anAnswerThatIsCutOffHasNoEnd() throws {
        for length in 1..<Self.two.utf8.count {
            let outcome = try parse(String(decoding: Self.two.utf8.prefix(length), as: UTF8.self))

            #expect(outcome.ends < 2, "after \(length) bytes")
        }
    }

    @Test(arguments: [204, 304])
    func anAnswerWithoutABodyEndsWithItsHead(status: Int) throws {
        let outcome = try parse("HTTP/1.1 \(status) X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        #expect(outcome.statuses == [status, 200])
        #expect(outcome.ends == 2)
    }

    @Test
    func anAnswerWithoutALengthEndsWithItsConnection() throws {
        var parser = MessageParser(.response)
        parser.append(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\nsome"))

        guard case .head(let head)? = try parser.next() else { throw Unexpected() }
        #expect(head.framing == .untilClose && head.closes)
        #expect(parser.endsWithConnection)
        guard case .body(let bytes)? = try parser.next() else { throw Unexpected() }
        #expect(String(buffer: bytes) == "some")
        guard try parser.next() == nil else { throw Unexpected() }
    }

    @Test
    func whoCloseTheConnectionSaySo() throws {
        #expect(try parse("HTTP/1.1 200 OK\r\nCONNECTION:  Close\r\nContent-Length: 0\r\n\r\n").closes == [true])
        #expect(try parse("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n").closes == [false])
    }

    @Test(arguments: ["zz", "", "123456789"])
    func aChunkWhoseSizeIsNoNumberIsAnError(size: String) {
        #expect(throws: WireError.self) {
            try parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(size)\r\nx\r\n")
        }
    }

    @Test
    func aHeadWithoutAnEndIsAnError() {
        #expect(throws: WireError.self) {
            try parse("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 70_000))
        }
    }

    @Test
    func aChunkLineWithoutAnEndIsAnError() {
        #expect(throws: WireError.self) {
            try parse(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + String(repeating: "1", count: 2000)
            )
        }
    }
}

/// A part came that the test did not expect.
private struct Unexpected: Error {}
