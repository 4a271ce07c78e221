import HostCore
import HostTransfer
import NIOCore
import Testing

struct UploadReceiveTests {
    private struct Refused: Error {}

    private let fields =
        MultipartBodies.field("purpose", "batch") + MultipartBodies.field("target_model_names", "gpt")

    @Test
    func anUploadGoesToTheSpool() async throws {
        let content = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 % 253) }
        let body = fields + MultipartBodies.file("a.jsonl", content, contentType: nil) + MultipartBodies.end

        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: 2_500_000, expectedBytes: Int64(body.count))
            let upload = try await UploadForm.receive(
                pieces(of: body),
                contentType: MultipartBodies.contentType,
                into: writer
            ) { start in
                #expect(start.fields.targetNames == ["gpt"])
                #expect(start.fields.purpose == .batch)
            }

            #expect(upload.request.mimeType == "application/jsonl")
            #expect(upload.file.sizeInBytes == 2_500_000)
            #expect(spool.reservedBytes == 2_500_000)
        }
    }

    @Test
    func aRefusalBeforeTheFileStoresNothing() async throws {
        let body = fields + MultipartBodies.file("a", [1, 2, 3]) + MultipartBodies.end

        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: 0)
            await #expect(throws: Refused.self) {
                try await UploadForm.receive(
                    pieces(of: body),
                    contentType: MultipartBodies.contentType,
                    into: writer
                ) { _ in throw Refused() }
            }
            #expect(spool.reservedBytes == 0)
        }
    }

    @Test
    func anUploadThatIsCutShortIsNeverComplete() async throws {
        let body = fields + MultipartBodies.file("a", [UInt8](repeating: 7, count: 300)) + MultipartBodies.end

        try await withSpool { spool in
            for length in stride(from: 0, to: body.count - 2, by: 7) {
                let writer = try await spool.writer(maximumBytes: 1000)
                await #expect(throws: RuleError.self) {
                    try await UploadForm.receive(
                        pieces(of: Array(body[..<length])),
                        contentType: MultipartBodies.contentType,
                        into: writer
                    ) { _ in }
                }
            }
            #expect(spool.reservedBytes == 0)
        }
    }
}

/// A body as it comes from a socket.
func pieces(of body: [UInt8], of size: Int = 65_536) -> AsyncStream<ByteBuffer> {
    AsyncStream { continuation in
        for start in stride(from: 0, to: body.count, by: size) {
            continuation.yield(ByteBuffer(bytes: body[start..<min(start + size, body.count)]))
        }
        continuation.finish()
    }
}
