import Crypto
import Foundation
import HostCore
import NIOCore
import NIOPosix
import Testing

@testable import HostTransfer

struct SpoolTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func theHashIsTheKnownOne(text: String, sha256: String) async throws {
        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: 10)
            try await writer.write(ByteBuffer(string: text))

            let file = try await writer.finish()

            #expect(file.sha256 == sha256)
            #expect(file.sizeInBytes == Int64(text.utf8.count))
        }
    }

    @Test(arguments: [1, 4096, SpoolWriter.blockSize - 1, SpoolWriter.blockSize, SpoolWriter.blockSize + 1, 3_500_001])
    func whatIsWrittenInAnyPiecesIsReadBackAtAnyOffset(pieceSize: Int) async throws {
        let size = pieceSize == 1 ? 100_000 : 3_500_001
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: Int64(size))
            for start in stride(from: 0, to: size, by: pieceSize) {
                try await writer.write(ByteBuffer(bytes: content[start..<min(start + pieceSize, size)]))
            }
            let file = try await writer.finish()

            #expect(file.sizeInBytes == Int64(size))
            #expect(file.sha256 == SHA256.hash(data: content).map { String(format: "%02x", $0) }.joined())
            for (offset, length) in [
                (0, 1), (1, 7), (65_535, 3), (size - 5, 5), (size - 5, 9), (size, 4), (size + 9, 4),
            ] {
                #expect(try read(file, offset, length) == Array(content.dropFirst(offset).prefix(length)))
            }
            #expect(try read(file, 0, size + 100) == content)
            #expect(throws: SpoolError.self) { try read(file, -1, 4) }
            #expect(try read(file, 0, 0).isEmpty)
        }
    }

    @Test
    func aFileMayBeReadFromManyThreadsAtOnce() async throws {
        let content = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 % 251) }

        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: .max)
            try await writer.write(ByteBuffer(bytes: content))
            let file = try await writer.finish()

            try await withThrowingTaskGroup(of: Bool.self) { group in
                for task in 0..<16 {
                    group.addTask {
                        try (0..<50).allSatisfy { round in
                            let offset = (task * 7919 + round * 104_729) % content.count
                            return try read(file, offset, 5001) == Array(content.dropFirst(offset).prefix(5001))
                        }
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test
    func manyUploadsAtOnceKeepApart() async throws {
        try await withSpool { spool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<12 as Range<UInt8> {
                    group.addTask {
                        let writer = try await spool.writer(maximumBytes: .max)
                        for _ in 0..<300 { try await writer.write(ByteBuffer(repeating: task, count: 10_000)) }
                        let file = try await writer.finish()
                        #expect(file.sizeInBytes == 3_000_000)
                        #expect(try read(file, 0, 3_000_000).allSatisfy { $0 == task })
                    }
                }
                try await group.waitForAll()
            }
            #expect(spool.reservedBytes == 0)
        }
    }

    @Test
    func aFileOverItsLimitIsRefused() async throws {
        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: 5)
            try await writer.write(ByteBuffer(string: "12345"))

            let error = await #expect(throws: RuleError.self) { try await writer.write(ByteBuffer(string: "6")) }

            #expect(error?.code == .tooLarge)
            #expect(error?.parameter == "file")
        }
    }

    @Test
    func aSmallUploadOfKnownLengthNeedsNoFile() async throws {
        let content = (0..<SpoolMemory.longestContent).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        let size = content.count

        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: .max, expectedBytes: Int64(size))
            for start in stride(from: 0, to: size, by: 1000) {
                try await writer.write(ByteBuffer(bytes: content[start..<min(start + 1000, size)]))
            }
            let file = try await writer.finish()

            #expect(file.duplicateDescriptor() == nil)
            #expect(file.sizeInBytes == Int64(size))
            #expect(file.sha256 == SHA256.hash(data: content).map { String(format: "%02x", $0) }.joined())
            for (offset, length) in [(0, 1), (1, 7), (size - 5, 5), (size - 5, 9), (size, 4), (size + 9, 4), (0, size)]
            {
                #expect(try read(file, offset, length) == Array(content.dropFirst(offset).prefix(length)))
            }
            #expect(throws: SpoolError.self) { try read(file, -1, 4) }
            #expect(try read(file, 0, 0).isEmpty)
            try file.prefetch(0..<Int64(size))
        }
    }

    @Test
    func aSmallUploadMayBeEmptyAndHasNoMoreThanItSaid() async throws {
        try await withSpool { spool in
            let empty = try await spool.writer(maximumBytes: .max, expectedBytes: 0)
            #expect(try await empty.finish().sizeInBytes == 0)

            let writer = try await spool.writer(maximumBytes: .max, expectedBytes: 5)
            try await writer.write(ByteBuffer(string: "123456"))
            let error = await #expect(throws: SpoolError.self) { try await writer.finish() }
            writer.discard()

            #expect(error?.code == .failed)
            #expect(spool.reservedBytes == 0)
        }
    }

    @Test
    func aLongerUploadIsAFile() async throws {
        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: .max, expectedBytes: SpoolMemory.longestContent + 1)
            try await writer.write(ByteBuffer(string: "a"))

            let descriptor = try #require(try await writer.finish().duplicateDescriptor())

            #expect(close(descriptor) == 0)
        }
    }

    @Test
    func allFilesTogetherStayUnderTheLimit() async throws {
        try await withSpool(limitInBytes: 3_000_000) { spool in
            let first = try await spool.writer(maximumBytes: .max, expectedBytes: 2_000_000)
            let early = await #expect(throws: SpoolError.self) {
                try await spool.writer(maximumBytes: .max, expectedBytes: 1_000_001)
            }
            let second = try await spool.writer(maximumBytes: .max)
            let late = await #expect(throws: SpoolError.self) {
                for _ in 0..<200 { try await second.write(ByteBuffer(repeating: 1, count: 10_000)) }
            }
            try await first.write(ByteBuffer(repeating: 1, count: 2_000_000))

            #expect(early?.code == .full)
            #expect(late?.code == .full)
            #expect(spool.reservedBytes <= 3_000_000)
            second.discard()
            first.discard()
            #expect(spool.reservedBytes == 0)
        }
    }

    @Test
    func aFileKeepsItsShareUntilItGoes() async throws {
        try await withSpool(limitInBytes: 10_000) { spool in
            let writer = try await spool.writer(maximumBytes: 10_000, expectedBytes: 9000)
            try await writer.write(ByteBuffer(repeating: 1, count: 1000))
            do {
                let file = try await writer.finish()
                #expect(spool.reservedBytes == 1000)
                #expect(file.sizeInBytes == 1000)
            }
            #expect(spool.reservedBytes == 0)
        }
    }

    @Test
    func nothingCanBeWrittenToWhatHasEnded() async throws {
        try await withSpool { spool in
            let writer = try await spool.writer(maximumBytes: 100)
            writer.discard()
            writer.discard()

            await #expect(throws: SpoolError.self) { try await writer.write(ByteBuffer(string: "a")) }
            await #expect(throws: SpoolError.self) { try await writer.finish() }
        }
    }

    @Test
    func aFullDiskIsNamed() async throws {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let tape = SpoolTape(SpoolDescriptor(open("/dev/full", O_RDWR), pool: pool), pool: pool)
        let ledger = SpoolLedger(limitInBytes: .max)
        let writer = SpoolWriter(
            maximumBytes: .max,
            tape: tape,
            reservation: try SpoolReservation(0, in: ledger)
        )

        let error = await #expect(throws: SpoolError.self) {
            try await writer.write(ByteBuffer(repeating: 1, count: 3 * SpoolWriter.blockSize))
            _ = try await writer.finish()
        }

        #expect(error?.code == .diskFull)
        writer.discard()
        try await pool.shutdownGracefully()
    }

    @Test
    func aStoppedPoolIsAnErrorAndNoHang() async throws {
        let folder = temporaryPath()
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let spool = try SpoolDirectory(path: folder, pool: pool, limitInBytes: .max)
        let writer = try await spool.writer(maximumBytes: .max)
        try await pool.shutdownGracefully()

        await #expect(throws: SpoolError.self) {
            try await writer.write(ByteBuffer(string: "a"))
            _ = try await writer.finish()
        }
        try FileManager.default.removeItem(atPath: folder)
    }
}

/// Reads a range as an array.
func read(_ file: any RandomAccessFile, _ offset: Int, _ length: Int) throws -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
    defer { buffer.deallocate() }
    let count = try file.read(at: Int64(offset), into: buffer)
    return Array(buffer.prefix(count))
}

/// A path that nothing has yet.
func temporaryPath() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("spool-test-\(UUID().uuidString)").path
}

/// Runs a test with a spool of its own.
func withSpool(
    limitInBytes: Int64 = .max,
    _ test: (SpoolDirectory) async throws -> Void
) async throws {
    let folder = temporaryPath()
    let pool = NIOThreadPool(numberOfThreads: 2)
    pool.start()
    let outcome: Result<Void, any Error>
    do {
        outcome = .success(try await test(SpoolDirectory(path: folder, pool: pool, limitInBytes: limitInBytes)))
    } catch {
        outcome = .failure(error)
    }
    // Files are closed on the pool: what it still had to do when it stops would be let go of while it holds its lock.
    for _ in 0..<2 { try await pool.runIfActive {} }
    try await pool.shutdownGracefully()
    try FileManager.default.removeItem(atPath: folder)
    try outcome.get()
}
