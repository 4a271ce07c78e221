import Crypto
import HostCore
import HostTransfer
import NIOCore
import Testing

struct PartFormTests {
    private static let disposition = "Content-Disposition: form-data; name=\"data\"; filename=\"upload\""

    private func data(_ content: [UInt8]) -> [UInt8] { MultipartBodies.part([Self.disposition], content) }

    /// Receives a form that has at most 1000 bytes of content.
    private func receive(
        _ body: [UInt8],
        in spool: SpoolDirectory,
        piece: Int = 7,
        contentType: String? = MultipartBodies.contentType
    ) async throws -> SpooledFile {
        let writer = try await spool.writer(maximumBytes: 1000)
        return try await PartForm.receive(pieces(of: body, of: piece), contentType: contentType, into: writer)
    }

    @Test(arguments: [1, 2, 7, 100_000])
    func thePartIsReadHoweverTheBodyIsCut(piece: Int) async throws {
        let content = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }

        try await withSpool { spool in
            let file = try await receive(data(content) + MultipartBodies.end, in: spool, piece: piece)

            #expect(file.sizeInBytes == 1000)
            #expect(file.sha256 == SHA256.hash(data: content).hexadecimal)
        }
    }

    @Test
    func whatIsNotOnePartNamedDataIsRefusedAndLeavesNothing() async throws {
        let one = data([1, 2, 3])
        let bodies: [([UInt8], RuleError.Code, String?)] = [
            (one + one + MultipartBodies.end, .invalidRequest, "data"),
            (one + MultipartBodies.field("more", "1") + MultipartBodies.end, .invalidRequest, "more"),
            (MultipartBodies.file("a", [1]) + MultipartBodies.end, .invalidRequest, "file"),
            (data([]) + MultipartBodies.end, .invalidRequest, "data"),
            (data([UInt8](repeating: 1, count: 1001)) + MultipartBodies.end, .tooLarge, "file"),
            (one, .invalidRequest, nil), (MultipartBodies.end, .invalidRequest, nil), ([], .invalidRequest, nil),
        ]
        try await withSpool { spool in
            for (body, code, parameter) in bodies {
                let error = await #expect(throws: RuleError.self) { _ = try await receive(body, in: spool) }
                #expect(error?.code == code)
                if let parameter { #expect(error?.parameter == parameter) }
            }
            for type in [nil, "application/json", "multipart/form-data"] {
                await #expect(throws: RuleError.self) { _ = try await receive(one, in: spool, contentType: type) }
            }

            #expect(spool.reservedBytes == 0)
        }
    }

    @Test
    func aFormThatIsCutShortIsNeverComplete() async throws {
        let body = data([UInt8](repeating: 7, count: 300)) + MultipartBodies.end

        try await withSpool { spool in
            for length in stride(from: 0, to: body.count - 2, by: 7) {
                await #expect(throws: RuleError.self) { _ = try await receive(Array(body[..<length]), in: spool) }
            }
        }
    }
}
