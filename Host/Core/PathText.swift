/// The text of a path while it is put together in memory that is lent for it; what does not fit is left out.
struct PathText {
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    /// Makes an empty text; the memory need not be initialized and must outlive it.
    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    mutating func append(_ byte: UInt8) {
        guard count < buffer.count else { return }
        buffer.initializeElement(at: count, to: byte)
        count += 1
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        let length = min(bytes.count, buffer.count - count)
        let place = UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer)[count..<count + length]
        )
        place.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<length]))
        count += length
    }

    /// Appends the index of an element in brackets.
    mutating func append(index: Int) {
        append(UInt8(ascii: "["))
        var divisor = 1
        while index / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(index / divisor % 10))
            divisor /= 10
        }
        append(UInt8(ascii: "]"))
    }

    /// The first bytes, at most so many; half a character at the cut becomes U+FFFD.
    func text(upTo limit: Int) -> String {
        String(decoding: UnsafeBufferPointer(rebasing: buffer[..<min(count, limit)]), as: UTF8.self)
    }
}
