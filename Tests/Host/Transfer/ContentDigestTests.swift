import Crypto
import HostCore
import HostTransfer
import NIOCore
import NIOPosix
import Testing

struct ContentDigestTests {
    @Test(arguments: [0, 1, 262_144, 262_145, 4_194_304, 9_000_001])
    func aFileOfAnyLengthIsReadOnceAndWhole(count: Int) async throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 % 251) }
        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: 10_000_000)
            try await writer.write(ByteBuffer(bytes: content))
            let file = try await writer.finish()

            let digest = try await ContentDigest(of: file, withMD5: true, on: .singleton)
            let alone = try await ContentDigest(of: file, withMD5: false, on: .singleton)

            #expect(digest.sha256 == file.sha256)
            #expect(digest.md5 == Insecure.MD5.hash(data: content).hexadecimal)
            #expect(alone.sha256 == file.sha256 && alone.md5 == nil)
        }
    }
}
