import Foundation
import NIOCore

/// Reads a blob line by line; memory is that of the longest line.
struct BlobLines {
    private static let pieceBytes = 256 * 1024

    private let reader: BlobReader
    private let bytes: Int
    private var offset = 0
    private var rest = ByteBuffer()
    /// Bytes of `rest` that are known to hold no line feed.
    private var searched = 0

    init(_ blob: Blob, in store: BlobStore) throws {
        reader = try store.reader(of: blob)
        bytes = blob.bytes
    }

    /// The next line without its line feed, nil at the end.
    ///
    /// What follows the last line feed is a line unless it is empty.
    mutating func next() throws -> ByteBuffer? {
        while true {
            if let length = lengthOfLine() {
                let line = rest.readSlice(length: length)
                rest.moveReaderIndex(forwardBy: 1)
                searched = 0
                return line
            }
            searched = rest.readableBytes
            guard offset < bytes else {
                defer { rest.clear() }
                return rest.readableBytes > 0 ? rest : nil
            }
            var piece = try reader.read(at: offset, count: min(Self.pieceBytes, bytes - offset))
            offset += piece.readableBytes
            rest.discardReadBytes()
            rest.writeBuffer(&piece)
        }
    }

    private func lengthOfLine() -> Int? {
        rest.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress, searched < bytes.count else { return nil }
            return memchr(base + searched, 0x0a, bytes.count - searched).map { UnsafeRawPointer($0) - base }
        }
    }
}

extension ByteBuffer {
    /// Whether there is nothing but JSON's white space.
    var isBlank: Bool { readableBytesView.allSatisfy { [0x20, 0x09, 0x0d, 0x0a].contains($0) } }
}
