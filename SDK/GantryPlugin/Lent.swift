import CGantryPlugin

/// The statuses of the ABI; `GANTRY_OK` and `GANTRY_E_*`.
enum Status {
    static let ok: gantry_status = 0
    static let unsupported: gantry_status = -1
    static let invalid: gantry_status = -2
    static let state: gantry_status = -3
    static let limit: gantry_status = -5
    static let notFound: gantry_status = -6
    static let internalError: gantry_status = -7
}

extension gantry_slice {
    /// The lent bytes; none if the slice contradicts itself.
    var buffer: UnsafeRawBufferPointer {
        guard let start = ptr, len > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: start, count: len)
    }

    /// A copy of the bytes.
    var bytes: [UInt8] { Array(buffer) }

    /// A copy of the bytes as text; what is not UTF-8 becomes U+FFFD.
    var string: String { String(decoding: buffer, as: UTF8.self) }
}

/// Reads structs that a peer of another version may have written shorter.
enum LentStruct {
    /// The offset behind a member.
    static func end<Root, Value>(_ member: KeyPath<Root, Value>) -> Int {
        (MemoryLayout<Root>.offset(of: member) ?? 0) + MemoryLayout<Value>.size
    }

    /// A copy in which the members that do not lie within `size` bytes as a whole are those of `empty`.
    ///
    /// `ends` are the offsets behind the members.
    static func copy<T>(_ pointer: UnsafePointer<T>, size: UInt32, ends: @autoclosure () -> [Int], empty: T) -> T {
        guard size < MemoryLayout<T>.size else { return pointer.pointee }
        let known = ends().filter { $0 <= size }.max() ?? 0
        var copy = empty
        withUnsafeMutableBytes(of: &copy) { bytes in
            bytes.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: min(known, bytes.count)))
        }
        return copy
    }
}

/// Lends text, bytes and headers to the host for the duration of a call.
enum LentPairs {
    static func withSlice<R>(of text: String, _ body: (gantry_slice) -> R) -> R {
        var text = text
        return text.withUTF8 { body(gantry_slice(ptr: $0.baseAddress, len: $0.count)) }
    }

    static func withSlice<R>(of bytes: [UInt8], _ body: (gantry_slice) -> R) -> R {
        bytes.withUnsafeBufferPointer { body(gantry_slice(ptr: $0.baseAddress, len: $0.count)) }
    }

    static func with<R>(_ headers: [Header], _ body: (UnsafeBufferPointer<gantry_pair>) -> R) -> R {
        guard !headers.isEmpty else { return body(UnsafeBufferPointer(start: nil, count: 0)) }
        let size = headers.reduce(0) { $0 + $1.sizeOfTexts }
        return withUnsafeTemporaryAllocation(of: gantry_pair.self, capacity: headers.count) { pairs in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { text in
                var writer = SliceWriter(text)
                for (index, header) in headers.enumerated() {
                    pairs.initializeElement(at: index, to: header.lent(through: &writer))
                }
                return body(UnsafeBufferPointer(pairs))
            }
        }
    }

    /// Lends a request as a command.
    ///
    /// It takes the request apart before it lends anything: closures that are nested in each other and use the request
    /// copied it for each header and segment.
    static func with(
        _ request: HTTPRequest,
        id: UInt32,
        _ body: (inout gantry_command) -> gantry_status
    ) -> gantry_status {
        var command = gantry_command(.http, flags: request.flags, request: id)
        command.code = request.framing.rawValue
        command.value = request.timeoutMilliseconds
        let (method, url, headers, pieces) = (request.method, request.url, request.headers, request.body)
        var size = method.utf8.count + url.utf8.count
        for header in headers { size += header.sizeOfTexts }
        for piece in pieces { size += piece.literalLength }
        return withUnsafeTemporaryAllocation(of: gantry_pair.self, capacity: headers.count) { pairs in
            withUnsafeTemporaryAllocation(of: gantry_segment.self, capacity: pieces.count) { segments in
                withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { text in
                    var writer = SliceWriter(text)
                    command.method = writer.put(method)
                    command.url = writer.put(url)
                    for header in headers {
                        pairs.initializeElement(at: command.pair_count, to: header.lent(through: &writer))
                        command.pair_count += 1
                    }
                    for piece in pieces where !piece.isEmpty {
                        segments.initializeElement(at: command.segment_count, to: piece.lent(through: &writer))
                        command.segment_count += 1
                    }
                    if command.pair_count > 0 { command.pairs = UnsafePointer(pairs.baseAddress) }
                    if command.segment_count > 0 { command.segments = UnsafePointer(segments.baseAddress) }
                    return body(&command)
                }
            }
        }
    }
}

/// Copies texts into one buffer and tells where they are.
struct SliceWriter {
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private var used = 0

    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    mutating func put(_ text: String) -> gantry_slice {
        var text = text
        return text.withUTF8 { put($0) }
    }

    mutating func put(_ bytes: [UInt8]) -> gantry_slice { bytes.withUnsafeBufferPointer { put($0) } }

    private mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) -> gantry_slice {
        let room = UnsafeMutableBufferPointer(rebasing: buffer[used...])
        guard let start = room.baseAddress, !bytes.isEmpty, bytes.count <= room.count else { return gantry_slice() }
        _ = room.initialize(from: bytes)
        used += bytes.count
        return gantry_slice(ptr: start, len: bytes.count)
    }
}

extension Header {
    fileprivate var sizeOfTexts: Int { name.utf8.count + value.utf8.count + (secret?.utf8.count ?? 0) }

    fileprivate func lent(through writer: inout SliceWriter) -> gantry_pair {
        gantry_pair(
            name: writer.put(name),
            value: writer.put(value),
            secret: secret.map { writer.put($0) } ?? gantry_slice()
        )
    }
}

extension Segment {
    /// How many bytes of text have to be lent with it.
    fileprivate var literalLength: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .text(let text): text.utf8.count
        case .secret(let name, formEncoded: _): name.utf8.count
        case .source, .input: 0
        }
    }

    /// Whether it adds nothing; the ABI has no way to write an empty range of the input.
    fileprivate var isEmpty: Bool {
        switch self {
        case .bytes(let bytes): bytes.isEmpty
        case .text(let text): text.isEmpty
        case .input(let range): range.isEmpty
        case .source, .secret: false
        }
    }

    fileprivate func lent(through writer: inout SliceWriter) -> gantry_segment {
        var segment = gantry_segment()
        switch self {
        case .bytes(let bytes): segment.bytes = writer.put(bytes)
        case .text(let text): segment.bytes = writer.put(text)
        case .source(let offset, let length):
            segment.kind = SegmentKind.source
            segment.offset = offset
            segment.length = length
        case .input(let range):
            segment.kind = SegmentKind.input
            segment.offset = UInt64(clamping: range.lowerBound)
            segment.length = UInt64(clamping: range.count)
        case .secret(let name, let formEncoded):
            segment.kind = SegmentKind.secret
            segment.flags = formEncoded ? SegmentKind.formFlag : 0
            segment.bytes = writer.put(name)
        }
        return segment
    }
}

private enum SegmentKind {
    static let source: UInt32 = 1
    static let input: UInt32 = 2
    static let secret: UInt32 = 3
    static let formFlag: UInt32 = 1
}
