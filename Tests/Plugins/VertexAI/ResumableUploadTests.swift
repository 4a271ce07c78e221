import GantryPlugin
import Testing

@testable import VertexAIAdapter

struct ResumableUploadTests {
    private static let piece = ResumableUpload.pieceSize

    private static func answer(
        _ upload: inout ResumableUpload,
        _ status: Int,
        range: String? = nil,
        retryAfter: String? = nil
    ) throws(Failure) {
        let headers = retryAfter.map { [(name: "retry-after", value: $0)] } ?? []
        try upload.received(
            status: status,
            range: range,
            error: UpstreamError(status: status, headers: headers, body: []),
            body: [1]
        )
    }

    @Test
    func piecesAreMultiplesOf256KiB() {
        #expect(Self.piece.isMultiple(of: 256 << 10))
    }

    @Test
    func aFileGoesInPieces() throws {
        var upload = ResumableUpload(total: 2 * Self.piece + 5)
        #expect(upload.step == .send(0..<Self.piece))

        try Self.answer(&upload, 308, range: "bytes=0-\(Self.piece - 1)")
        #expect(upload.step == .send(Self.piece..<2 * Self.piece))

        try Self.answer(&upload, 308, range: "bytes=0-\(2 * Self.piece - 1)")
        #expect(upload.step == .send(2 * Self.piece..<2 * Self.piece + 5))

        try Self.answer(&upload, 200)
        #expect(upload.step == .finished([1]))
    }

    @Test
    func anEmptyFileIsOnePiece() throws {
        var upload = ResumableUpload(total: 0)
        #expect(upload.step == .send(0..<0))

        try Self.answer(&upload, 201)
        #expect(upload.step == .finished([1]))
    }

    @Test
    func theServerSaysWhereToGoOn() throws {
        var upload = ResumableUpload(total: 3 * Self.piece)

        try Self.answer(&upload, 308, range: "bytes=0-\((256 << 10) - 1)")

        #expect(upload.step == .send(256 << 10..<(256 << 10) + Self.piece))
    }

    @Test
    func aLostPieceIsAskedFor() throws {
        var upload = ResumableUpload(total: 2 * Self.piece)

        try upload.lost(Failure(.upstreamUnavailable, "Reset."))
        #expect(upload.step == .query(afterMilliseconds: 1000))

        try Self.answer(&upload, 308)
        #expect(upload.step == .send(0..<Self.piece))

        try Self.answer(&upload, 503)
        #expect(upload.step == .query(afterMilliseconds: 2000))

        try Self.answer(&upload, 308, range: "bytes=0-\(Self.piece - 1)")
        #expect(upload.step == .send(Self.piece..<2 * Self.piece))

        try Self.answer(&upload, 503)
        #expect(upload.step == .query(afterMilliseconds: 1000), "Progress starts the count anew.")
    }

    @Test
    func theServersDelayIsKeptUpToAMinute() throws {
        var upload = ResumableUpload(total: 1)

        try Self.answer(&upload, 429, retryAfter: "7")
        #expect(upload.step == .query(afterMilliseconds: 7000))

        try Self.answer(&upload, 503, retryAfter: "86400")
        #expect(upload.step == .query(afterMilliseconds: 60000))
    }

    @Test
    func aQueryMayFindTheObjectFinished() throws {
        var upload = ResumableUpload(total: 1)
        try upload.lost(Failure(.upstreamTimeout, "Late."))

        try Self.answer(&upload, 200)

        #expect(upload.step == .finished([1]))
    }

    @Test(arguments: [nil, "bytes=0-262143", "all"])
    func aServerThatMakesNoProgressIsGivenUp(range: String?) throws {
        var upload = ResumableUpload(total: Self.piece)
        if let range, range.hasPrefix("bytes") { try Self.answer(&upload, 308, range: range) }
        let stored = range == "all" ? "bytes=0-\(Self.piece - 1)" : range
        var rounds = 0

        let failure = #expect(throws: Failure.self) {
            while rounds < 100 {
                rounds += 1
                try Self.answer(&upload, 308, range: stored)
            }
        }

        #expect(failure?.reason == .upstreamProtocol)
        #expect(failure?.isRetryable == true)
        #expect(rounds <= 2 * ResumableUpload.retryLimit + 2)
    }

    @Test(arguments: [408, 429, 500, 502, 503, 504])
    func fiveRetriesAreEnough(status: Int) throws {
        var upload = ResumableUpload(total: 10)
        var delays: [UInt64] = []

        let failure = #expect(throws: Failure.self) {
            while delays.count < 100 {
                try Self.answer(&upload, status)
                if case .query(let delay) = upload.step { delays.append(delay) }
            }
        }

        #expect(delays == [1000, 2000, 4000, 8000, 16000])
        #expect(failure?.isRetryable == true)
    }

    @Test(
        arguments: [
            "bytes=0-99999999999", "bytes=1-5", "bytes=0-", "bytes=0-x", "0-5", "bytes=0-18446744073709551615",
            "bytes=0-18446744073709551616", "bytes=0--1", "",
        ]
    )
    func bytesTheServerCannotHaveAreAFailure(range: String) throws {
        var upload = ResumableUpload(total: 2 * Self.piece)

        let failure = #expect(throws: Failure.self) { try Self.answer(&upload, 308, range: range) }

        #expect(failure?.reason == .upstreamProtocol)
    }

    @Test
    func bytesOnceConfirmedCannotGetLost() throws {
        var upload = ResumableUpload(total: 2 * Self.piece)
        try Self.answer(&upload, 308, range: "bytes=0-\(Self.piece - 1)")

        let failure = #expect(throws: Failure.self) { try Self.answer(&upload, 308, range: "bytes=0-9") }

        #expect(failure?.reason == .upstreamProtocol)
    }

    @Test(
        arguments: [
            (404, .upstreamUnavailable), (410, .upstreamUnavailable), (400, .invalid), (412, .conflict),
            (204, .upstreamProtocol),
        ] as [(Int, FailureReason)]
    )
    func otherAnswersEndTheUpload(status: Int, reason: FailureReason) throws {
        var upload = ResumableUpload(total: 10)

        let failure = #expect(throws: Failure.self) { try Self.answer(&upload, status) }

        #expect(failure?.reason == reason)
    }

    @Test(arguments: [FailureReason.cancelled, .internalError])
    func whatIsNotTheNetworksFaultIsNotRetried(reason: FailureReason) throws {
        var upload = ResumableUpload(total: 10)

        let failure = #expect(throws: Failure.self) { try upload.lost(Failure(reason, "x")) }

        #expect(failure?.reason == reason)
    }
}
