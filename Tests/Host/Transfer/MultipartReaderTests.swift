import HostCore
import HostTransfer
import NIOCore
import Testing

struct MultipartReaderTests {
    // The content has everything that looks like a boundary and is none.
    private let tricky = Array(
        "\r\n--AaB03\r\n--AaB03y\r\n--AaB03x-\r\n--AaB03xx--\r\n-\r\r\n--\r\n--A\n--AaB03x\r--AaB03x--AaB03x\r\n\r\n-"
            .utf8
    )

    private var body: [UInt8] {
        Array("This is a preamble.\r\n".utf8) + MultipartBodies.field("purpose", "user_data")
            + MultipartBodies.file("a.txt", tricky) + MultipartBodies.field("empty", "") + MultipartBodies.end
            + Array("epilogue --AaB03x\r\n".utf8)
    }

    private var expected: [WholePart] {
        [
            WholePart(
                part: MultipartPart(name: "purpose", filename: nil, contentType: nil),
                content: Array("user_data".utf8)
            ),
            WholePart(part: MultipartPart(name: "file", filename: "a.txt", contentType: "text/plain"), content: tricky),
            WholePart(part: MultipartPart(name: "empty", filename: nil, contentType: nil), content: []),
        ]
    }

    @Test
    func aBodyInOnePieceIsRead() throws {
        #expect(try parts(of: body) == expected)
    }

    @Test
    func aBodyCutAtEveryByteIsRead() throws {
        for cut in 0...body.count {
            #expect(try parts(of: [body[..<cut], body[cut...]]) == expected, "cut at \(cut)")
        }
    }

    @Test
    func aBodyCutAtEveryPairOfBytesIsRead() throws {
        let content = Array("\r\n--AaB03\r\r\n--AaB03y".utf8)
        let body =
            MultipartBodies.part(["Content-Disposition: form-data; name=a"], content)
            + MultipartBodies.part(["Content-Disposition: form-data; name=b"], []) + MultipartBodies.end
        let expected = try parts(of: body)
        #expect(expected.map(\.content) == [content, []])

        for first in 0..<body.count {
            for second in first + 1..<body.count {
                let found = try parts(of: [body[..<first], body[first..<second], body[second...]])
                if found != expected { Issue.record("cut at \(first) and \(second)") }
            }
        }
    }

    @Test(arguments: 1...7)
    func aBodyInTinyPiecesIsRead(size: Int) throws {
        let pieces = stride(from: 0, to: body.count, by: size).map { body[$0..<min($0 + size, body.count)] }

        #expect(try parts(of: pieces) == expected)
    }

    @Test
    func aHundredThousandTinyPiecesAreRead() throws {
        let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 % 7 == 0 ? 13 : $0) }
        let body = MultipartBodies.file("a", content) + MultipartBodies.end

        let found = try parts(of: body.indices.map { body[$0...$0] })

        #expect(found.map(\.content) == [content])
    }

    @Test
    func contentIsPassedOnWithoutACopy() throws {
        let head = Array("--AaB03x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".utf8)
        var reader = MultipartReader(try MultipartBoundary(contentType: MultipartBodies.contentType))
        reader.append(ByteBuffer(bytes: head + [0x61]))
        while try reader.next() != nil {}
        let chunk = ByteBuffer(repeating: 0x61, count: 10_000)
        reader.append(chunk)

        guard case .partBytes(let first) = try reader.next() else {
            Issue.record("there is no content")
            return
        }

        #expect(first.readableBytes == chunk.readableBytes)
        let isInside = chunk.withUnsafeReadableBytes { whole in
            first.withUnsafeReadableBytes { part in
                guard let wholeStart = whole.baseAddress, let partStart = part.baseAddress else { return false }
                return partStart >= wholeStart && partStart < wholeStart + whole.count
            }
        }
        #expect(isInside)
    }

    @Test
    func everyTruncationIsRefused() throws {
        let body =
            MultipartBodies.field("purpose", "user_data") + MultipartBodies.file("a.txt", tricky)
            + MultipartBodies.end
        _ = try parts(of: body)

        // All but the line end after the closing boundary is needed.
        for length in 0..<body.count - 2 {
            #expect(throws: RuleError.self, "length \(length)") { try parts(of: Array(body[..<length])) }
        }
        #expect(try parts(of: Array(body.dropLast(2))).count == 2)
    }

    @Test
    func aBoundaryMayFollowTheHeadersAtOnceAndHaveSpacesAfterIt() throws {
        let body = Array(
            ("--AaB03x \t\r\nContent-Disposition: form-data; name=a\r\n\r\n--AaB03x  \r\n"
                + "content-disposition:form-data;name=b\r\n\r\n\r\n--AaB03x-- \t").utf8
        )

        #expect(try parts(of: body).map(\.part.name) == ["a", "b"])
        for cut in 0...body.count { #expect(try parts(of: [body[..<cut], body[cut...]]).count == 2, "\(cut)") }
    }

    @Test
    func aBodyWithoutPartsIsRead() throws {
        #expect(try parts(of: MultipartBodies.end) == [])
    }

    @Test(arguments: [
        "", "\r\n", "no boundary at all", "--AaB03x\nContent-Disposition: form-data; name=a\n\n1\n--AaB03x--\n",
        "--AaB03x\r\nContent-Disposition: form-data; name=a\n\r\n1\r\n--AaB03x--\r\n",
        "--AaB03x\r\n\r\n1\r\n--AaB03x--\r\n", "--AaB03x\r\nContent-Type: a/b\r\n\r\n1\r\n--AaB03x--\r\n",
        "--AaB03x\r\n\n", "--AaB03x\r\nno colon\r\n\r\n1\r\n--AaB03x--\r\n", "--AaB03x \r\r\n", "--AaB03x x\r\n",
        "--AaB03x\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n1\r\n--AaB03x--\r\n", "--AaB03x--x",
        "--AaB03x--\n",
        "--AaB03x\r\n: x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--AaB03x--\r\n",
    ])
    func malformedBodiesAreRefusedHoweverTheyAreCut(text: String) {
        let body = Array(text.utf8)

        for cut in 0...body.count {
            let error = #expect(throws: RuleError.self) { try parts(of: [body[..<cut], body[cut...]]) }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test
    func aBareLineFeedIsNamed() {
        let error = #expect(throws: RuleError.self) {
            try parts(of: Array("--AaB03x\nContent-Disposition: form-data; name=a\n\n1\n--AaB03x--\n".utf8))
        }

        #expect(error?.message.contains("CRLF") == true)
    }

    @Test
    func aReaderThatHasThrownThrowsAgain() throws {
        var reader = MultipartReader(try MultipartBoundary(contentType: MultipartBodies.contentType))
        reader.append(ByteBuffer(string: "--AaB03x\n"))
        let first = try #require(throws: RuleError.self) { try reader.next() }

        reader.append(ByteBuffer(bytes: body))

        #expect(throws: first) { try reader.next() }
        #expect(throws: first) { try reader.finish() }
    }

    @Test
    func headersPartsAndPreambleAreBounded() throws {
        let many = { (count: Int) in
            (0..<count).flatMap { MultipartBodies.field("f\($0)", "") } + MultipartBodies.end
        }
        let lines = { (count: Int) in
            MultipartBodies.part(
                ["Content-Disposition: form-data; name=a"] + (1..<count).map { "X-\($0): y" },
                []
            ) + MultipartBodies.end
        }
        let long = { (count: Int) in
            MultipartBodies.part(
                ["Content-Disposition: form-data; name=a", "X: " + String(repeating: "y", count: count)],
                []
            ) + MultipartBodies.end
        }

        #expect(try parts(of: many(64)).count == 64)
        #expect(refusal(many(65))?.code == .tooLarge)
        #expect(try parts(of: lines(32)).count == 1)
        #expect(refusal(lines(33))?.code == .tooLarge)
        #expect(try parts(of: long(16_000)).count == 1)
        #expect(refusal(long(16_384))?.code == .tooLarge)
        #expect(refusal(Array("--AaB03x\r\nX: ".utf8) + [UInt8](repeating: 0x79, count: 20_000))?.code == .tooLarge)
        #expect(refusal([UInt8](repeating: 0x0d, count: 20_000))?.code == .invalidRequest)
        let tiny = long(16_384)
        #expect(throws: RuleError.self) { try parts(of: tiny.indices.map { tiny[$0...$0] }) }
    }

    private func refusal(_ body: [UInt8]) -> RuleError? {
        do {
            _ = try parts(of: body)
            return nil
        } catch {
            return error as? RuleError
        }
    }
}
