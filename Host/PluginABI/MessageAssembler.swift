/// Makes messages of the packets that come in on one socket.
package struct MessageAssembler: Sendable {
    private struct Partial {
        let kind: UInt8
        let total: Int
    }

    private static let mostReservedBytes = 64 << 20

    private let maximumBytes: Int
    private var partial: Partial?
    private var bytes: [UInt8] = []

    /// Makes an assembler; a message of more than `maximumBytes` is refused before memory is taken for it.
    package init(maximumBytes: Int = WorkerProtocol.maximumMessageBytes) { self.maximumBytes = maximumBytes }

    /// Whether a message has begun and not ended.
    package var isWithinMessage: Bool { partial != nil }

    /// Takes a packet.
    ///
    /// - Parameters:
    ///   - packet: As it was received; a message of one packet is lent from it without a copy.
    ///   - body: Gets the message if it is complete, for the time of the call.
    /// - Returns: What `body` returns; nil if there are more packets to come.
    /// - Throws: ``WireError`` for a packet that cannot follow the ones before; nothing can be read after it.
    package mutating func receive<R>(
        _ packet: UnsafeRawBufferPointer,
        _ body: (WorkerProtocol.Kind, UnsafeRawBufferPointer) throws(WireError) -> R
    ) throws(WireError) -> R? {
        guard (WorkerProtocol.headerBytes...WorkerProtocol.maximumPacketBytes).contains(packet.count) else {
            throw WireError("a packet has \(packet.count) bytes")
        }
        guard let kind = WorkerProtocol.Kind(rawValue: packet[0]), packet[1] <= 3, packet[2] == 0, packet[3] == 0
        else { throw WireError("a packet's header is none") }
        let total = Int(UInt32(littleEndian: packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        let (isFirst, isLast) = (packet[1] & PacketMarks.first != 0, packet[1] & PacketMarks.last != 0)
        let part = UnsafeRawBufferPointer(rebasing: packet[WorkerProtocol.headerBytes...])
        guard isFirst == (partial == nil) else { throw WireError("a packet is out of order") }
        let before = isFirst ? 0 : bytes.count
        guard total <= maximumBytes else { throw WireError("a message has \(total) bytes") }
        guard isLast ? before + part.count == total : before + part.count < total else {
            throw WireError("a message's length is not what its packets have")
        }
        guard isLast || part.count == OutgoingMessage.chunkBytes else {
            throw WireError("a packet before the last is not full")
        }
        if isFirst, isLast { return try body(kind, part) }
        if let partial, partial.kind != kind.rawValue || partial.total != total {
            throw WireError("the packets of two messages are mixed")
        }
        if isFirst { bytes.removeAll(keepingCapacity: true) }
        partial = isLast ? nil : Partial(kind: kind.rawValue, total: total)
        // More is taken as it is needed, not as it is announced.
        if isFirst { bytes.reserveCapacity(min(total, Self.mostReservedBytes)) }
        bytes.append(contentsOf: part)
        guard isLast else { return nil }
        defer { shrink() }
        let outcome = bytes.withUnsafeBytes { whole in
            Result { () throws(WireError) in try body(kind, whole) }
        }
        return try outcome.get()
    }

    /// A large message does not keep its memory.
    private mutating func shrink() {
        if bytes.count > 1 << 20 { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
    }
}
