/// Reads one input as what the other side of a worker's socket may send; libFuzzer makes the inputs.
///
/// The first byte is a message's kind and the rest its body; or, if it is no kind, packets follow, each behind two bytes
/// with its length. Whatever it is has to be read or refused: a trap or a read past the end is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzerTestOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    guard let first = input.first else { return 0 }
    do throws(WireError) {
        if let kind = WorkerProtocol.Kind(rawValue: first) {
            try MessageFuzzer.read(kind, input.dropFirst())
        } else {
            try MessageFuzzer.readPackets(input.dropFirst())
        }
    } catch {
        // Refused, as most of them should be.
        return 0
    }
    return 0
}

enum MessageFuzzer {
    static func read(_ kind: WorkerProtocol.Kind, _ body: Slice<UnsafeRawBufferPointer>) throws(WireError) {
        // A block of exactly that size, so that the address sanitizer sees a read past its end.
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: body.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: body)
        try WireProbe.read(kind, UnsafeRawBufferPointer(memory))
    }

    static func readPackets(_ input: Slice<UnsafeRawBufferPointer>) throws(WireError) {
        var assembler = MessageAssembler(maximumBytes: 1 << 20)
        var rest = input
        while let low = rest.popFirst(), let high = rest.popFirst() {
            let packet = rest.prefix(Int(low) | Int(high) << 8)
            rest = rest.dropFirst(packet.count)
            _ = try assembler.receive(UnsafeRawBufferPointer(rebasing: packet)) { kind, body throws(WireError) in
                try WireProbe.read(kind, body)
            }
        }
    }
}
