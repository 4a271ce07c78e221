import CGantryPlugin

/// The events of the host; the raw values are those of `GANTRY_EV_*`.
enum EventKind: UInt32 {
    case start = 1
    case head = 2
    case data = 3
    case end = 4
    case failed = 5
    case timer = 6
    case token = 7
    case source = 8
    case sourceEnd = 9
    case cancel = 10
}

/// Which events an operation awaits.
struct EventSet: OptionSet {
    let rawValue: UInt32

    static let head = EventSet(.head)
    static let data = EventSet(.data)
    static let end = EventSet(.end)
    static let failed = EventSet(.failed)
    static let timer = EventSet(.timer)
    static let token = EventSet(.token)
    static let source = EventSet(.source)
    static let sourceEnd = EventSet(.sourceEnd)

    init(rawValue: UInt32) { self.rawValue = rawValue }
    init(_ kind: EventKind) { rawValue = 1 << kind.rawValue }
}

extension gantry_event {
    private static let memberEnds = [
        LentStruct.end(\gantry_event.kind), LentStruct.end(\gantry_event.flags), LentStruct.end(\gantry_event.request),
        LentStruct.end(\gantry_event.code), LentStruct.end(\gantry_event.value), LentStruct.end(\gantry_event.data),
        LentStruct.end(\gantry_event.text), LentStruct.end(\gantry_event.pairs),
        LentStruct.end(\gantry_event.pair_count), LentStruct.end(\gantry_event.refs),
        LentStruct.end(\gantry_event.ref_count),
    ]

    /// A copy with the members that the host does not know read as zero; its pointers stay lent.
    static func copy(_ event: UnsafePointer<gantry_event>) -> gantry_event {
        LentStruct.copy(event, size: event.pointee.size, ends: memberEnds, empty: gantry_event())
    }
}

/// What START lends, copied.
struct StartEvent {
    private static let streamFlag: UInt32 = 1
    private static let retryFlag: UInt32 = 2

    let requestID: String
    let isStreaming: Bool
    let isRetry: Bool
    let sourceLength: UInt64?
    let references: [Reference]

    init(_ event: gantry_event) throws(Failure) {
        requestID = event.text.string
        isStreaming = event.flags & Self.streamFlag != 0
        isRetry = event.flags & Self.retryFlag != 0
        sourceLength = event.value == .max ? nil : event.value
        references = try event.copiedReferences()
    }
}

extension SourceLine {
    /// Copies what the SOURCE event lends.
    init(_ event: gantry_event) throws(Failure) {
        self.init(bytes: event.data.bytes, references: try event.copiedReferences())
    }
}

extension gantry_event {
    /// Copies the places that the host has found in the event's data.
    fileprivate func copiedReferences() throws(Failure) -> [Reference] {
        let lent = UnsafeBufferPointer(start: refs, count: refs == nil ? 0 : max(ref_count, 0))
        var references: [Reference] = []
        references.reserveCapacity(lent.count)
        for reference in lent { references.append(try Reference(reference, within: data.buffer.count)) }
        return references
    }
}

extension Reference {
    fileprivate init(_ lent: gantry_ref, within length: Int) throws(Failure) {
        guard let kind = Kind(rawValue: lent.kind) else {
            throw Failure(.internalError, "The host found something in the request that this plugin does not know.")
        }
        guard let start = Int(exactly: lent.offset), let count = Int(exactly: lent.length),
            start <= length, count <= length - start
        else { throw Failure(.internalError, "The host found a place outside of the request.") }
        self.init(
            kind: kind,
            range: start..<(start + count),
            clientID: lent.client_id.string,
            upstreamID: lent.upstream_id.string,
            mimeType: lent.mime_type.string,
            filename: lent.filename.string
        )
    }
}

/// The headers of a response, copied into two arrays and turned into strings only where asked for.
struct HeaderBlock {
    private let text: [UInt8]
    /// Where each name and each value ends in `text`, in turn.
    private let ends: [Int]

    init(_ event: gantry_event) {
        let pairs = UnsafeBufferPointer(start: event.pairs, count: event.pairs == nil ? 0 : max(event.pair_count, 0))
        var size = 0
        ends = [Int](unsafeUninitializedCapacity: 2 * pairs.count) { ends, count in
            for pair in pairs {
                size += pair.name.buffer.count
                ends.initializeElement(at: count, to: size)
                size += pair.value.buffer.count
                ends.initializeElement(at: count + 1, to: size)
                count += 2
            }
        }
        text = [UInt8](unsafeUninitializedCapacity: size) { text, count in
            var rest = UnsafeMutableRawBufferPointer(text)
            for pair in pairs {
                rest = Self.append(pair.name.buffer, to: rest)
                rest = Self.append(pair.value.buffer, to: rest)
            }
            count = size
        }
    }

    var all: [(name: String, value: String)] { stride(from: 0, to: ends.count, by: 2).map { (part($0), part($0 + 1)) } }

    func first(_ name: String) -> String? {
        for index in stride(from: 0, to: ends.count, by: 2) {
            let candidate = text[range(index)]
            if candidate.count == name.utf8.count,
                zip(candidate, name.utf8).allSatisfy({ Self.lowercase($0) == Self.lowercase($1) })
            {
                return part(index + 1)
            }
        }
        return nil
    }

    /// Copies bytes to the start of a buffer that has room for them, and returns what is left of it.
    private static func append(
        _ bytes: UnsafeRawBufferPointer,
        to rest: UnsafeMutableRawBufferPointer
    ) -> UnsafeMutableRawBufferPointer {
        rest.copyMemory(from: bytes)
        return UnsafeMutableRawBufferPointer(rebasing: rest[bytes.count...])
    }

    private func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    private func part(_ index: Int) -> String { String(decoding: text[range(index)], as: UTF8.self) }

    private static func lowercase(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
