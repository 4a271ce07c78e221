import Foundation
import HostCore
import NIOCore
import Synchronization
import Testing

@testable import HostTransfer

struct SpoolGrowthTests {
    private static let heldBack = SpoolGrowth.heldBackBytes

    /// Counts how often it was called.
    private final class Calls: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func note() { count.withLock { $0 += 1 } }
    }

    @Test
    func theLastBytesAreHeldBackUntilTheFileIsWhole() {
        let size = 10 * Self.heldBack
        let growth = SpoolGrowth(toward: size)

        #expect(growth.readableBytes == 0)
        growth.advance(to: 100)
        #expect(growth.readableBytes == 100)
        growth.advance(to: size - 1)
        #expect(growth.readableBytes == size - Self.heldBack)
        growth.advance(to: size)
        #expect(growth.readableBytes == size - Self.heldBack)
        // Longer than it was taken for.
        growth.advance(to: size + 2)
        #expect(growth.readableBytes == size - Self.heldBack)
        #expect(!growth.isWhole)
        growth.complete()
        #expect(growth.readableBytes == size)
        #expect(growth.isWhole)
    }

    @Test
    func whoeverWaitsIsCalledOnceAndOnlyWhenThereIsMore() {
        let growth = SpoolGrowth(toward: 10 * Self.heldBack)
        let (near, far, late) = (Calls(), Calls(), Calls())

        growth.whenReadable(beyond: 100) { near.note() }
        growth.whenReadable(beyond: 10 * Self.heldBack - 1) { far.note() }
        growth.advance(to: 100)
        #expect(near.value == 0)
        growth.advance(to: 101)
        growth.advance(to: 9 * Self.heldBack)
        growth.advance(to: 10 * Self.heldBack)
        #expect((near.value, far.value) == (1, 0))
        growth.complete()
        growth.whenReadable(beyond: 5) { late.note() }

        #expect((near.value, far.value, late.value) == (1, 1, 1))
    }

    @Test
    func whoeverWaitsForWhatIsGivenUpIsToldSo() {
        let growth = SpoolGrowth(toward: 10 * Self.heldBack)
        let (before, after) = (Calls(), Calls())

        growth.advance(to: 7)
        growth.whenReadable(beyond: 7) { before.note() }
        growth.abandon()
        growth.whenReadable(beyond: 7) { after.note() }
        growth.complete()

        #expect((before.value, after.value) == (1, 1))
        #expect(growth.readableBytes == 7 && !growth.isWhole)
    }

    @Test
    func anUploadIsReadWhileItIsWritten() async throws {
        let content = (0..<3_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        let size = Int64(content.count)

        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: size)
            try await writer.write(ByteBuffer(bytes: content[..<1_200_000]))
            let growing = try writer.growingFile(toward: size)
            let growth = try #require(growing.growth)
            // The first block is on its way; what there is of the second still waits for more.
            await withCheckedContinuation { continuation in
                growth.whenReadable(beyond: 0) { continuation.resume() }
            }

            #expect(growth.readableBytes == Int64(SpoolWriter.blockSize))
            #expect(try read(growing, 5, 4096) == Array(content[5..<4101]))
            try await writer.write(ByteBuffer(bytes: content[1_200_000...]))
            let whole = try await writer.finish()
            #expect(growth.readableBytes == size - Self.heldBack)
            growing.progress.complete()
            #expect(try read(growing, content.count - 9, 9) == Array(content.suffix(9)))
            #expect(try read(whole, 0, content.count) == content)
            let descriptor = try #require(growing.duplicateDescriptor())
            close(descriptor)
            try growing.prefetch(0..<size)
            #expect(throws: SpoolError.self) { try growing.prefetch(0..<size + 1) }
        }
    }

    @Test
    func anUploadThatIsThrownAwayEndsTheWait() async throws {
        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: 1 << 30)
            let growing = try writer.growingFile(toward: 1 << 30)
            let calls = Calls()
            growing.growth?.whenReadable(beyond: 0) { calls.note() }

            writer.discard()

            #expect(calls.value == 1)
            #expect(throws: SpoolError.self) { try writer.growingFile(toward: 5) }
        }
    }
}

struct FileLengthTests {
    private static let content = [UInt8](repeating: 7, count: 1000)
    private static let fields =
        MultipartBodies.field("purpose", "batch") + MultipartBodies.field("target_model_names", "gpt")

    /// What the file is taken for when its first byte is about to come, and how long it was.
    private func lengths(_ body: [UInt8], piece: Int, said: Int? = nil) throws -> (guess: Int64?, actual: Int) {
        var form = try UploadForm(contentType: MultipartBodies.contentType)
        var guess: Int64?
        var actual = 0
        for start in stride(from: 0, to: body.count, by: piece) {
            form.append(ByteBuffer(bytes: body[start..<min(start + piece, body.count)]))
            while let event = try form.next() {
                switch event {
                case .fileBegan: guess = form.probableFileLength(bodyBytes: Int64(said ?? body.count))
                case .fileBytes(let bytes): actual += bytes.readableBytes
                case .fileEnded: #expect(form.probableFileLength(bodyBytes: Int64(body.count)) == nil)
                }
            }
        }
        return (guess, actual)
    }

    @Test(arguments: [1, 2, 3, 7, 64, 100_000])
    func theLengthOfALastPartIsGuessedRightHoweverTheBodyIsCut(piece: Int) throws {
        let file = MultipartBodies.file("a.jsonl", Self.content)
        let preamble = Array("a preamble\r\n".utf8)

        for body in [Self.fields + file, file, preamble + file] {
            let found = try lengths(body + MultipartBodies.end, piece: piece)
            #expect(found.actual == 1000)
            #expect(found.guess == 1000)
        }
    }

    @Test
    func theGuessIsWrongWhenSomethingElseFollowsOrIsMissing() throws {
        let body = Self.fields + MultipartBodies.file("a.jsonl", Self.content)

        let withField = try lengths(
            body + MultipartBodies.field("litellm_metadata", "x") + MultipartBodies.end,
            piece: 9
        )
        let withEpilogue = try lengths(body + MultipartBodies.end + Array("the end".utf8), piece: 9)
        let withoutLineEnd = try lengths(body + MultipartBodies.end.dropLast(2), piece: 9)

        for found in [withField, withEpilogue, withoutLineEnd] { #expect(found.actual == 1000) }
        #expect(try #require(withField.guess) > 1000)
        #expect(withEpilogue.guess == 1007)
        #expect(withoutLineEnd.guess == 998)
    }

    @Test
    func aBodyThatHasNoRoomForItsEndTellsNothing() throws {
        let body = Self.fields + MultipartBodies.file("a.jsonl", Self.content) + MultipartBodies.end

        #expect(try lengths(body, piece: 64, said: body.count - 1001).guess == nil)
        #expect(try lengths(body, piece: 64, said: 10).guess == nil)
    }
}
