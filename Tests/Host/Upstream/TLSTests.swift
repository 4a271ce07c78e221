import Foundation
import HostUpstream
import Logging
import NIOCore
import NIOPosix
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TLSTests {
    private func withAuthority(
        _ certificate: String = "names",
        trusted: Bool = true,
        script: @escaping ScriptedServer.Script = { request, peer in peer.answer(body: "\(request.number)") },
        test: (Bench) async throws -> Void
    ) async throws {
        let authority = try TestAuthority()
        try await withBench(
            tls: try authority.server(certificate),
            configure: { if trusted { $0.additionalTrustRootsPath = authority.rootPath } },
            script: script,
            test: test
        )
        try authority.remove()
    }

    private func get(_ bench: Bench, host: String) throws -> UpstreamRequest {
        try UpstreamRequest(method: "GET", url: try bench.url(scheme: "https", host: host), isIdempotent: true)
    }

    @Test
    func aServerOfATrustedAuthorityIsTalkedToAndItsConnectionKept() async throws {
        try await withAuthority { bench async throws in
            for number in 0..<3 {
                #expect(try await bench.answer(to: try get(bench, host: "localhost")).body == "\(number)")
            }
        }
    }

    @Test
    func aCertificateForAnAddressIsGoodForThatAddressAndForNoName() async throws {
        try await withAuthority("address") { bench async throws in
            #expect(try await bench.answer(to: try get(bench, host: "127.0.0.1")).body == "0")
            let error = try await bench.failure(of: try get(bench, host: "localhost"))
            #expect(error.code == .tls)
        }
    }

    @Test
    func aCertificateForAnotherNameIsRefused() async throws {
        try await withAuthority { bench async throws in
            let error = try await bench.failure(of: try get(bench, host: "127.0.0.1"))

            #expect(error.code == .tls)
            #expect(!error.wasSent)
        }
    }

    @Test
    func anUnknownAuthorityIsRefused() async throws {
        try await withAuthority(trusted: false) { bench async throws in
            let error = try await bench.failure(of: try get(bench, host: "localhost"))

            #expect(error.code == .tls)
            #expect(!error.wasSent)
        }
    }

    @Test
    func aServerThatDoesNotSpeakTLSIsReported() async throws {
        try await withBench(
            at: .connected,
            script: { _, peer in peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") },
            test: { bench async throws in
                let error = try await bench.failure(of: try get(bench, host: "localhost"))
                #expect(error.code == .tls)
            }
        )
    }

    @Test
    func aHandshakeThatNeverEndsIsGivenUp() async throws {
        try await withBench(
            at: .connected,
            configure: { $0.connectTimeout = .milliseconds(100) },
            script: { _, _ in },
            test: { bench async throws in
                let error = try await bench.failure(of: try get(bench, host: "127.0.0.1"))

                #expect(error.code == .timeout)
                #expect(!error.wasSent)
                await bench.server.closed.waits(for: 1)
            }
        )
    }

    @Test
    func anAnswerThatIsCutOffWithoutAFarewellIsNotComplete() async throws {
        let cut: ScriptedServer.Script = { _, peer in peer.cut(after: "HTTP/1.1 200 OK\r\n\r\nhello") }
        try await withAuthority(script: cut) { bench async throws in
            let error = try await bench.failure(of: try get(bench, host: "localhost"))

            #expect(error.code == .reset)
            #expect(error.wasAnswered)
        }
    }

    @Test
    func anAnswerWithoutALengthEndsWithTheFarewell() async throws {
        let close: ScriptedServer.Script = { _, peer in peer.send("HTTP/1.1 200 OK\r\n\r\nhello", thenClose: ()) }
        try await withAuthority(script: close) { bench async throws in
            #expect(try await bench.answer(to: try get(bench, host: "localhost")).body == "hello")
        }
    }

    @Test
    func aLargeBodyIsSentAtTheServersPace() async throws {
        let size: Int64 = 24 << 20
        let check: ScriptedServer.Script = { request, peer in
            var isIntact = true
            var offset = 0
            var body = request.body
            while let piece = body.readSlice(length: min(1_000_000, body.readableBytes)), piece.readableBytes > 0 {
                isIntact = isIntact && PatternFile.matches(piece, at: offset)
                offset += piece.readableBytes
            }
            peer.answer(body: "\(isIntact) \(offset)")
        }
        try await withAuthority(script: check) { bench async throws in
            let body: [UpstreamBodyPiece] = [.file(PatternFile(sizeInBytes: size), range: 0..<size)]
            let url = try bench.url(scheme: "https", host: "localhost")
            let request = try UpstreamRequest(method: "POST", url: url, body: body)

            #expect(try await bench.answer(to: request).body == "true \(size)")
        }
    }

    @Test
    func authoritiesThatCannotBeReadAreReportedAtTheStart() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "upstream-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
        let garbage = folder.appending(path: "garbage.pem")
        try "not a certificate".write(to: garbage, atomically: true, encoding: .utf8)

        for path in [garbage.path(), folder.appending(path: "missing.pem").path()] {
            var configuration = UpstreamConfiguration()
            configuration.additionalTrustRootsPath = path
            let error = #expect(throws: UpstreamError.self) {
                try UpstreamClient(
                    group: MultiThreadedEventLoopGroup.singleton,
                    filePool: .singleton,
                    configuration: configuration,
                    logger: Logger(label: "test")
                )
            }
            #expect(error?.code == .tls)
        }
    }
}
