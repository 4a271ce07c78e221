import NIOCore

/// Pieces of one upload that are written together; they stay where they were received.
struct SpoolBlock: Sendable {
    /// Shorter ones are copied together: a write of many is slow.
    private static let shortestShared = 16 * 1024
    /// A piece keeps all of the memory that it was received into, which may be so many times as much.
    private static let largestShare = 4

    private(set) var pieces: [ByteBuffer] = []
    private(set) var sizeInBytes = 0
    private var endsInOwnCopy = false

    /// Adds what fits of a buffer, and takes it from there.
    mutating func fill(from rest: inout ByteBuffer, upTo limit: Int) {
        guard let piece = rest.readSlice(length: min(rest.readableBytes, limit - sizeInBytes)) else { return }
        let count = piece.readableBytes
        guard count > 0 else { return }
        sizeInBytes += count
        if count >= Self.shortestShared, piece.storageCapacity <= Self.largestShare * count {
            pieces.append(piece)
            endsInOwnCopy = false
        } else if endsInOwnCopy {
            pieces[pieces.count - 1].writeImmutableBuffer(piece)
        } else {
            var copy = ByteBufferAllocator().buffer(capacity: max(count, Self.shortestShared))
            copy.writeImmutableBuffer(piece)
            pieces.append(copy)
            endsInOwnCopy = true
        }
    }
}
