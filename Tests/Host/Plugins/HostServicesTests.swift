import CGantryPlugin
import Crypto
import CryptoExtras
import Foundation
import HostPluginABI
import Logging
import Testing

@testable import HostPlugins

struct HostServicesTests {
    private struct LineHandler: LogHandler {
        let lines: EventLog
        var metadataProvider: Logger.MetadataProvider?
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
            lines.add("\(event.level) \(event.message) \(fields)")
        }
    }

    /// Calls the table as a plugin does.
    private final class Bench {
        let lines = EventLog()
        let secrets: SecretStore
        private let services: HostServices
        private let name = StaticText("gantry")
        let host: gantry_host

        init(_ secrets: [String: String] = [:]) {
            let lines = lines
            self.secrets = SecretStore(secrets)
            let logger = Logger(label: "test") { _ in LineHandler(lines: lines) }
            services = HostServices(logger: logger, secrets: self.secrets)
            host = services.makeTable(name: name.slice, version: name.slice)
        }

        func sign(
            _ algorithm: Int,
            key: String,
            _ message: String,
            capacity: Int = 1024
        ) -> (gantry_status, [UInt8], Int) {
            let lent = Loan()
            var out = [UInt8](repeating: 0, count: max(capacity, 0))
            var length = capacity
            let status = host.sign(
                host.ctx,
                UInt32(algorithm),
                lent.slice(key),
                lent.slice(message),
                &out,
                &length
            )
            return (status, Array(out.prefix(max(0, length))), length)
        }

        func get(_ key: [UInt8], capacity: Int = 65_536) -> (gantry_status, [UInt8]) {
            var out = [UInt8](repeating: 0, count: capacity)
            var length = capacity
            let status = key.withUnsafeBufferPointer { key in
                host.cache_get(host.ctx, gantry_slice(ptr: key.baseAddress, len: key.count), &out, &length)
            }
            return (status, status == Status.ok ? Array(out.prefix(length)) : [])
        }

        func put(_ key: [UInt8], _ value: [UInt8], milliseconds: UInt64 = 60_000) -> gantry_status {
            key.withUnsafeBufferPointer { key in
                value.withUnsafeBufferPointer { value in
                    host.cache_put(
                        host.ctx,
                        gantry_slice(ptr: key.baseAddress, len: key.count),
                        gantry_slice(ptr: value.baseAddress, len: value.count),
                        milliseconds
                    )
                }
            }
        }

        func log(_ level: Int, _ message: String, _ fields: [(String, String, String)] = []) {
            let lent = Loan()
            host.log(host.ctx, UInt32(level), lent.slice(message), lent.pairs(fields), fields.count)
        }
    }

    @Test
    func digestsAndCodesAreThePublishedOnes() {
        let bench = Bench(["k": "key"])
        let hex = { (bytes: [UInt8]) in bytes.map { String(format: "%02x", $0) }.joined() }

        // FIPS 180-4, "abc"; the HMAC is the well-known one of key "key".
        let digest = bench.sign(GANTRY_ALG_SHA256, key: "", "abc")
        #expect(digest.0 == Status.ok)
        #expect(hex(digest.1) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let code = bench.sign(GANTRY_ALG_HMAC_SHA256, key: "k", "The quick brown fox jumps over the lazy dog")
        #expect(hex(code.1) == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8")
    }

    @Test
    func signaturesVerify() throws {
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let curve = P256.Signing.PrivateKey()
        let bench = Bench(["rsa": rsa.pemRepresentation, "p256": curve.pemRepresentation])
        let message = "header.payload"

        for _ in 0..<2 {
            let signed = bench.sign(GANTRY_ALG_RS256, key: "rsa", message)
            #expect(signed.0 == Status.ok)
            let signature = _RSA.Signing.RSASignature(rawRepresentation: Data(signed.1))
            let isValid = rsa.publicKey.isValidSignature(
                signature,
                for: Data(message.utf8),
                padding: .insecurePKCS1v1_5
            )
            #expect(isValid)
        }
        let signed = bench.sign(GANTRY_ALG_ES256, key: "p256", message)
        let signature = try P256.Signing.ECDSASignature(rawRepresentation: Data(signed.1))
        #expect(signed.1.count == 64)
        #expect(curve.publicKey.isValidSignature(signature, for: Data(message.utf8)))
    }

    @Test
    func whatCannotBeSignedIsRefused() {
        let bench = Bench(["broken": "-----BEGIN PRIVATE KEY-----\nsecretsecret\n-----END PRIVATE KEY-----"])

        for algorithm in [GANTRY_ALG_HMAC_SHA256, GANTRY_ALG_RS256, GANTRY_ALG_ES256] {
            #expect(bench.sign(algorithm, key: "missing", "m").0 == Status.notFound)
        }
        for algorithm in [GANTRY_ALG_RS256, GANTRY_ALG_ES256] {
            #expect(bench.sign(algorithm, key: "broken", "m").0 == Status.invalid)
        }
        #expect(bench.sign(0, key: "", "m").0 == Status.unsupported)
        #expect(bench.sign(99, key: "broken", "m").0 == Status.unsupported)
        #expect(bench.lines.all.allSatisfy { !$0.contains("secretsecret") })
    }

    @Test
    func aBufferThatIsTooSmallLearnsTheLengthItNeeds() {
        let bench = Bench()
        for capacity in [0, 31, -1, .min] {
            let (status, _, length) = bench.sign(GANTRY_ALG_SHA256, key: "", "m", capacity: capacity)
            #expect(status == Status.limit)
            #expect(length == 32)
        }
        let host = bench.host
        let broken = gantry_slice(ptr: nil, len: 5)
        var length = 64
        let statuses = [
            host.sign(host.ctx, 1, gantry_slice(), gantry_slice(), nil, &length),
            host.sign(host.ctx, 1, gantry_slice(), gantry_slice(), nil, nil),
            host.sign(host.ctx, 1, broken, gantry_slice(), nil, &length),
            host.sign(host.ctx, 1, gantry_slice(), broken, nil, &length),
        ]
        #expect(statuses == [Status.invalid, Status.invalid, Status.invalid, Status.invalid])
    }

    @Test
    func randomBytesFillTheBuffer() {
        let bench = Bench()
        let host = bench.host
        var first = [UInt8](repeating: 0, count: 100_000)
        var second = first
        let filled = [
            host.random(host.ctx, &first, first.count), host.random(host.ctx, &second, second.count),
            host.random(host.ctx, &first, 0),
        ]
        let refused = [
            host.random(host.ctx, &first, -1), host.random(host.ctx, &first, (1 << 20) + 1),
            host.random(host.ctx, nil, 4),
        ]

        #expect(filled == [Status.ok, Status.ok, Status.ok])
        #expect(refused == [Status.invalid, Status.invalid, Status.invalid])
        #expect(first != second)
        #expect(Set(first).count == 256 && first.suffix(64).contains { $0 != 0 })
    }

    @Test
    func theCacheKeepsBytesUntilTheyExpire() {
        let bench = Bench()
        // Neither key is text; repaired, they would be the same.
        #expect(bench.put([0xff], [1]) == Status.ok)
        #expect(bench.put([0xfe], [2]) == Status.ok)
        #expect(bench.put([7], [3], milliseconds: 0) == Status.ok)
        #expect(bench.put([8], [4], milliseconds: .max) == Status.ok)

        #expect(bench.get([0xff]) == (Status.ok, [1]))
        #expect(bench.get([0xfe]) == (Status.ok, [2]))
        #expect(bench.get([7]).0 == Status.notFound)
        #expect(bench.get([8]) == (Status.ok, [4]))
        #expect(bench.get([9]).0 == Status.notFound)
        #expect(bench.get([0xff], capacity: 0).0 == Status.limit)
    }

    @Test
    func theCacheIsBounded() {
        let bench = Bench()
        let value = [UInt8](repeating: 7, count: 65_536)
        #expect(bench.put([1], value + [7]) == Status.limit)
        #expect(bench.put([UInt8](repeating: 1, count: 1025), [1]) == Status.invalid)
        #expect(bench.get([UInt8](repeating: 1, count: 1025)).0 == Status.invalid)
        for number in 0..<1000 {
            let key = [UInt8(number >> 8), UInt8(number & 255)]
            #expect(bench.put(key, value, milliseconds: 60_000 + UInt64(number) * 1000) == Status.ok)
        }
        let kept = (0..<1000).filter { bench.get([UInt8($0 >> 8), UInt8($0 & 255)]).0 == Status.ok }

        // Whatever would have expired first has made room.
        #expect(kept == Array(744..<1000))
    }

    @Test
    func logLinesAreOneBoundedLineWithoutSecrets() throws {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"
        let bench = Bench(["a": "sk-secret-value", "pem": key])
        bench.log(GANTRY_LOG_INFO, "a\nb\r\u{1b}[31m\u{2028}c sk-secret-value", [("k", "x sk-secret-value", "")])
        bench.log(GANTRY_LOG_INFO, key)
        bench.log(GANTRY_LOG_DEBUG, "not wanted")
        bench.log(77, String(repeating: "x", count: 100_000))
        bench.log(GANTRY_LOG_INFO, String(repeating: "x", count: 4090) + "sk-secret-value")
        let lines = bench.lines.all

        try #require(lines.count == 4)
        #expect(lines[0] == "info a b  [31m c [secret] k=x [secret]")
        #expect(lines[1] == "info [secret] ")
        #expect(lines[2].hasPrefix("error xxx") && lines[2].utf8.count < 5000)
        #expect(!lines[3].contains("sk-"))
    }

    @Test
    func aWholeLogLineIsBounded() throws {
        let bench = Bench(["a": "sk-secret-value"])
        let long = String(repeating: "v", count: 3000)
        bench.log(GANTRY_LOG_INFO, "m", (0..<32).map { ("field\($0)", long, "") })
        // The budget's end cuts the secret, of which nothing may be seen then.
        let start = String(repeating: "x", count: LogMessage.maximumLineBytes - "first".utf8.count - 5)
        bench.log(GANTRY_LOG_INFO, "", [("first", start + "sk-secret-value", ""), ("second", "y", "")])
        bench.log(
            GANTRY_LOG_INFO,
            String(repeating: "x", count: 4000),
            [("k", String(repeating: "y", count: 4187) + "sk-secret-value", "")]
        )
        let lines = bench.lines.all

        try #require(lines.count == 3)
        #expect(lines[0].hasPrefix("info m field0=\(long) field1=\(long)") && !lines[0].contains("field3"))
        #expect(lines.allSatisfy { $0.utf8.count <= LogMessage.maximumLineBytes + 100 })
        #expect(!lines[1].contains("sk-") && !lines[1].contains("second"))
        #expect(!lines[2].contains("sk-"))
    }

    @Test
    func malformedLogCallsAreDropped() {
        let bench = Bench()
        let host = bench.host
        host.log(host.ctx, 1, gantry_slice(ptr: nil, len: 5), nil, 0)
        host.log(host.ctx, 1, gantry_slice(), nil, 5)
        host.log(host.ctx, 1, gantry_slice(), nil, -1)
        host.log(host.ctx, 1, gantry_slice(), nil, 33)

        #expect(bench.lines.all == [])
        #expect(host.extension(host.ctx, "org.example.thing/1") == nil)
        #expect(host.now_ms(host.ctx) > 1_700_000_000_000)
    }
}
