import CGantryPlugin

/// A message while it is written, and its packets.
package struct OutgoingMessage: Sendable {
    /// As much of a body as one packet takes.
    static let chunkBytes = WorkerProtocol.maximumPacketBytes - WorkerProtocol.headerBytes

    private static let largeBytes = 1 << 20

    package let kind: WorkerProtocol.Kind
    /// Whether more was written than a message may have; it must not be sent then.
    package private(set) var isTooLarge = false
    /// Room for the first packet's header, and the body.
    private var bytes: [UInt8]

    /// Begins a message.
    ///
    /// - Parameters:
    ///   - kind: What it is.
    ///   - storage: Memory to use again: that of a message that was sent.
    package init(_ kind: WorkerProtocol.Kind, reusing storage: consuming [UInt8] = []) {
        self.kind = kind
        bytes = storage
        bytes.removeAll(keepingCapacity: true)
        for _ in 0..<WorkerProtocol.headerBytes { bytes.append(0) }
    }

    /// The memory, to use it again.
    package consuming func takeStorage() -> [UInt8] { bytes }

    /// How many bytes the body has.
    package var bodyBytes: Int { bytes.count - WorkerProtocol.headerBytes }

    package mutating func append(_ number: UInt32) { appendInteger(number) }
    package mutating func append(_ number: Int32) { appendInteger(number) }
    package mutating func append(_ number: UInt64) { appendInteger(number) }

    /// Writes a length and bytes.
    package mutating func append(_ data: UnsafeRawBufferPointer) {
        guard data.count <= WorkerProtocol.maximumMessageBytes - bodyBytes else {
            isTooLarge = true
            return
        }
        append(UInt32(data.count))
        // Growing by doubling would take more than a worker may have.
        if data.count > Self.largeBytes { bytes.reserveCapacity(bytes.count + data.count + Self.largeBytes) }
        bytes.append(contentsOf: data)
    }

    /// Writes bytes that the ABI has lent; the slice is well formed.
    package mutating func append(_ slice: gantry_slice) { append(UnsafeRawBufferPointer(lent: slice)) }

    /// Writes a text.
    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Writes a list of pairs that are well formed.
    package mutating func append(_ pairs: UnsafePointer<gantry_pair>?, count: Int) {
        let pairs = UnsafeBufferPointer(start: pairs, count: pairs == nil ? 0 : count)
        append(UInt32(pairs.count))
        for pair in pairs {
            append(pair.name)
            append(pair.value)
            append(pair.secret)
        }
    }

    /// Writes a list of operations' numbers.
    package mutating func append(_ operations: [UInt64]) {
        append(UInt32(operations.count))
        for operation in operations { append(operation) }
    }

    /// Corrects a number that was written before; `offset` counts from the body's first byte.
    package mutating func replace(at offset: Int, with number: UInt32) {
        write(number, at: WorkerProtocol.headerBytes + offset)
    }

    /// Takes away the body's end.
    package mutating func truncate(toBodyBytes count: Int) {
        bytes.removeLast(max(0, bodyBytes - count))
    }

    // MARK: Packets

    /// How many packets the message has; at least one.
    package var packetCount: Int { max(1, (bodyBytes + Self.chunkBytes - 1) / Self.chunkBytes) }

    /// Lends one packet.
    ///
    /// Packets are asked for in ascending order, any of them again until the next: a header is put where the end of
    /// the packet before was, so that a body is never copied.
    ///
    /// - Parameters:
    ///   - index: Which one, from 0.
    ///   - body: Gets the packet's bytes for the time of the call.
    /// - Returns: What `body` returns.
    package mutating func withPacket<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        let start = index * Self.chunkBytes
        let end = min(bytes.count, start + WorkerProtocol.maximumPacketBytes)
        let total = UInt32(bodyBytes)
        bytes[start] = kind.rawValue
        bytes[start + 1] = (index == 0 ? PacketMarks.first : 0) | (end == bytes.count ? PacketMarks.last : 0)
        (bytes[start + 2], bytes[start + 3]) = (0, 0)
        write(total, at: start + 4)
        return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
    }

    private mutating func appendInteger<I: FixedWidthInteger>(_ number: I) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func write(_ number: UInt32, at offset: Int) {
        withUnsafeBytes(of: number.littleEndian) { number in
            for index in number.indices { bytes[offset + index] = number[index] }
        }
    }
}

/// The marks in a packet's second byte.
enum PacketMarks {
    static let first: UInt8 = 1
    static let last: UInt8 = 2
}
