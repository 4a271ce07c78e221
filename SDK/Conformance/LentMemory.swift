import CGantryPlugin

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Memory that is lent to a plugin for one call: every piece in a block of exactly its size.
final class LentMemory {
    /// What becomes of the blocks when the call is over.
    enum Kind {
        /// They stay as they are until the operation ends: a plugin that keeps a pointer gets away with it.
        case kept
        /// They are overwritten and freed.
        case scribbled
        /// They end at a page that cannot be read, and cannot be read any more themselves.
        case guarded
    }

    /// What freed memory is filled with.
    static let scribble: UInt8 = 0xA5

    private struct Block {
        let start: UnsafeMutableRawPointer
        let count: Int
        let mapped: Int
    }

    private let kind: Kind
    private var lent: [Block] = []
    private var retired: [Block] = []

    init(_ kind: Kind) { self.kind = kind }

    deinit {
        endCall()
        for block in retired { Self.release(block) }
    }

    /// Lends a copy of bytes; empty ones have no address, or one that cannot be read.
    func slice(_ bytes: [UInt8]) -> gantry_slice {
        if bytes.isEmpty, kind != .guarded { return gantry_slice() }
        let start = allocate(bytes.count)
        start.copyMemory(from: bytes, byteCount: bytes.count)
        return gantry_slice(ptr: UnsafePointer(start.assumingMemoryBound(to: UInt8.self)), len: bytes.count)
    }

    func slice(_ text: String) -> gantry_slice { slice(Array(text.utf8)) }

    /// Lends a copy of an array of structs.
    func array<T>(_ elements: [T]) -> UnsafeMutablePointer<T>? {
        guard !elements.isEmpty else { return nil }
        let count = elements.count * MemoryLayout<T>.stride
        let start = allocate(count)
        elements.withUnsafeBytes {
            start.copyMemory(from: UnsafeRawPointer($0.baseAddress ?? UnsafeRawPointer(start)), byteCount: count)
        }
        return start.assumingMemoryBound(to: T.self)
    }

    /// Lends an event of the size that it claims; what is past this host's knowledge is garbage.
    func event(_ event: ScriptedEvent) -> UnsafePointer<gantry_event> {
        let size = event.size ?? MemoryLayout<gantry_event>.size
        var lent = gantry_event()
        lent.size = UInt32(clamping: size)
        (lent.kind, lent.flags, lent.request) = (event.kind, event.flags, event.request)
        (lent.code, lent.value) = (event.code, event.value)
        lent.data = slice(event.data)
        lent.text = slice(event.text)
        lent.pairs = UnsafePointer(
            array(
                event.headers.map { gantry_pair(name: slice($0.name), value: slice($0.value), secret: gantry_slice()) }
            )
        )
        lent.pair_count = event.headers.count
        lent.refs = UnsafePointer(array(event.references.map(reference)))
        lent.ref_count = event.references.count
        return structure(lent, size: size)
    }

    /// Lends a struct of the size that it claims.
    func structure<T>(_ value: T, size: Int) -> UnsafePointer<T> {
        let start = allocate(size)
        start.initializeMemory(as: UInt8.self, repeating: Self.scribble, count: size)
        withUnsafeBytes(of: value) { bytes in
            UnsafeMutableRawBufferPointer(start: start, count: size).copyBytes(from: bytes.prefix(size))
        }
        return UnsafePointer(start.assumingMemoryBound(to: T.self))
    }

    /// Ends what was lent for the call.
    func endCall() {
        for block in lent {
            switch kind {
            case .kept: retired.append(block)
            case .scribbled:
                memset(block.start, Int32(Self.scribble), block.count)
                Self.release(block)
            case .guarded:
                // It stays mapped, so that nothing else comes to lie where a kept pointer leads.
                mprotect(block.start, block.mapped, PROT_NONE)
                retired.append(block)
            }
        }
        lent.removeAll(keepingCapacity: true)
    }

    private func reference(_ reference: ScriptedReference) -> gantry_ref {
        gantry_ref(
            kind: reference.kind,
            reserved: 0,
            offset: reference.offset,
            length: reference.length,
            client_id: slice(reference.clientID),
            upstream_id: slice(reference.upstreamID),
            mime_type: slice(reference.mimeType),
            filename: slice(reference.filename)
        )
    }

    private func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        guard kind == .guarded else {
            let start = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 8)
            lent.append(Block(start: start, count: count, mapped: 0))
            return start
        }
        let page = Int(getpagesize())
        let mapped = (count + page - 1) / page * page
        let start = mmap(nil, mapped + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start, start != MAP_FAILED else { preconditionFailure("There is no memory for a guarded block.") }
        mprotect(start + mapped, page, PROT_NONE)
        lent.append(Block(start: start, count: count, mapped: mapped + page))
        return start + (mapped - count)
    }

    private static func release(_ block: Block) {
        if block.mapped > 0 { munmap(block.start, block.mapped) } else { block.start.deallocate() }
    }
}
