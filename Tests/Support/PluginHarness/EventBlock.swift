import CGantryPlugin
import GantryPlugin

/// An event in memory of its own, every piece in a block of exactly its size, overwritten after the call.
struct EventBlock {
    private var event = gantry_event()
    private var lent: [LentBytes] = []
    private var pairs: [gantry_pair] = []
    private var references: [gantry_ref] = []

    init(_ source: ProbeEvent, outstandingRequest: UInt32) {
        event.size = source.size ?? UInt32(MemoryLayout<gantry_event>.size)
        event.kind = source.kind
        event.flags = source.flags
        event.request = source.request ?? outstandingRequest
        event.code = source.code
        event.value = source.value
        event.data = lend(source.data)
        event.text = lend(Array(source.text.utf8))
        for (name, value) in source.headers {
            let pair = gantry_pair(name: lend(Array(name.utf8)), value: lend(Array(value.utf8)), secret: gantry_slice())
            pairs.append(pair)
        }
        for reference in source.references { references.append(lend(reference)) }
    }

    /// Lends the event to `body`, and overwrites everything afterwards.
    func lend(_ body: (UnsafePointer<gantry_event>) -> gantry_status) -> gantry_status {
        let pairs = Self.heapCopy(self.pairs)
        let references = Self.heapCopy(self.references)
        let event = Self.heapCopy([self.event])
        defer {
            Self.scribble(pairs)
            Self.scribble(references)
            Self.scribble(event)
            for block in lent { block.scribble() }
        }
        guard let start = event.baseAddress else { return -7 }
        start.pointee.pairs = UnsafePointer(pairs.baseAddress)
        start.pointee.pair_count = pairs.count
        start.pointee.refs = UnsafePointer(references.baseAddress)
        start.pointee.ref_count = references.count
        // What a smaller event does not have is garbage, as the memory behind it would be.
        let bytes = UnsafeMutableRawBufferPointer(event)
        let known = min(Int(self.event.size), bytes.count)
        UnsafeMutableRawBufferPointer(rebasing: bytes[known...]).initializeMemory(as: UInt8.self, repeating: 0xA5)
        return body(start)
    }

    private mutating func lend(_ bytes: [UInt8]) -> gantry_slice {
        let block = LentBytes(bytes)
        lent.append(block)
        return block.slice
    }

    private mutating func lend(_ reference: Reference) -> gantry_ref {
        gantry_ref(
            kind: reference.kind.rawValue,
            reserved: 0,
            offset: UInt64(clamping: reference.range.lowerBound),
            length: UInt64(clamping: reference.range.count),
            client_id: lend(Array(reference.clientID.utf8)),
            upstream_id: lend(Array(reference.upstreamID.utf8)),
            mime_type: lend(Array(reference.mimeType.utf8)),
            filename: lend(Array(reference.filename.utf8))
        )
    }

    private static func heapCopy<T>(_ elements: [T]) -> UnsafeMutableBufferPointer<T> {
        let memory = UnsafeMutableBufferPointer<T>.allocate(capacity: elements.count)
        _ = memory.initialize(from: elements)
        return memory
    }

    private static func scribble<T>(_ memory: UnsafeMutableBufferPointer<T>) {
        UnsafeMutableRawBufferPointer(memory).initializeMemory(as: UInt8.self, repeating: 0xA5)
        memory.deallocate()
    }
}
