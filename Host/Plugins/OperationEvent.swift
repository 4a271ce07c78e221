import CGantryPlugin
import HostCore
import HostPluginABI
import NIOCore
import NIOHTTP1

/// An event for a plugin, before it is laid out as the ABI wants it.
enum OperationEvent {
    case start
    case head(request: UInt32, status: Int, headers: HTTPHeaders)
    case data(request: UInt32, ByteBuffer, event: String)
    case end(request: UInt32, trailers: HTTPHeaders?)
    case failed(request: UInt32, code: Int32, detail: String)
    case timer
    /// Indirect, for it would make every event three times as large.
    indirect case token(Result<String, OperationFailure>)
    /// The source's next line or its end, whichever is read when this is delivered.
    case source
    case line(SourceLine)
    case sourceEnd
    case cancel

    /// Whether this event says something of the outstanding request.
    var belongsToRequest: Bool {
        switch self {
        case .head, .data, .end, .failed: true
        case .start, .timer, .token, .source, .line, .sourceEnd, .cancel: false
        }
    }

    /// How many bytes the plugin will look at, by which the host chooses where the step runs.
    func weightInBytes(of request: OperationRequest) -> Int {
        switch self {
        case .start: request.input.readableBytes
        case .data(_, let bytes, _): bytes.readableBytes
        case .line(let line): line.bytes.readableBytes
        default: 0
        }
    }

    /// Lays the event out for one call; nothing of it outlives the call.
    func withLent<R>(for request: OperationRequest, _ body: (UnsafePointer<gantry_event>) -> R) -> R {
        var event = gantry_event()
        event.size = UInt32(MemoryLayout<gantry_event>.size)
        switch self {
        case .start: return lendStart(request, event, body)
        case .head(let id, let status, let headers):
            (event.kind, event.request, event.code) = (UInt32(GANTRY_EV_HEAD), id, Int32(clamping: status))
            return lend(headers, event, body)
        case .data(let id, let bytes, let name):
            (event.kind, event.request) = (UInt32(GANTRY_EV_DATA), id)
            return lend(data: bytes, text: name, event, body)
        case .end(let id, let trailers):
            (event.kind, event.request) = (UInt32(GANTRY_EV_END), id)
            return lend(trailers ?? HTTPHeaders(), event, body)
        case .failed(let id, let code, let detail):
            (event.kind, event.request, event.code) = (UInt32(GANTRY_EV_FAILED), id, code)
            return lend(data: nil, text: detail, event, body)
        case .timer:
            event.kind = UInt32(GANTRY_EV_TIMER)
            return body(&event)
        case .token(.success(let token)):
            event.kind = UInt32(GANTRY_EV_TOKEN)
            return lend(data: ByteBuffer(string: token), text: "", event, body)
        case .token(.failure(let failure)):
            event.kind = UInt32(GANTRY_EV_TOKEN)
            let isHostsOwn = failure.reason.rawValue >= OperationFailure.Reason.pluginFailed.rawValue
            event.code = isHostsOwn ? OperationFailure.Reason.internalError.rawValue : failure.reason.rawValue
            return lend(data: nil, text: failure.message, event, body)
        case .line(let line):
            event.kind = UInt32(GANTRY_EV_SOURCE)
            return lend(data: line.bytes, text: "", line.references, event, body)
        case .source, .sourceEnd:
            event.kind = UInt32(GANTRY_EV_SOURCE_END)
            return body(&event)
        case .cancel:
            event.kind = UInt32(GANTRY_EV_CANCEL)
            return body(&event)
        }
    }

    private func lend<R>(
        data: ByteBuffer?,
        text: String,
        _ partial: gantry_event,
        _ body: (UnsafePointer<gantry_event>) -> R
    ) -> R {
        var event = partial
        var text = text
        return text.withUTF8 { text in
            event.text = gantry_slice(ptr: text.baseAddress, len: text.count)
            return (data ?? ByteBuffer()).withUnsafeReadableBytes { data in
                event.data = gantry_slice(data)
                return body(&event)
            }
        }
    }

    private func lend<R>(
        _ headers: HTTPHeaders,
        _ partial: gantry_event,
        _ body: (UnsafePointer<gantry_event>) -> R
    ) -> R {
        var event = partial
        var (count, size) = (0, 0)
        for header in headers {
            count += 1
            size += header.name.utf8.count + header.value.utf8.count
        }
        guard count > 0 else { return body(&event) }
        return withUnsafeTemporaryAllocation(of: gantry_pair.self, capacity: count) { pairs in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { space in
                var texts = LentTexts(space)
                var index = 0
                for header in headers {
                    let (name, value) = (texts.add(lowercased: header.name), texts.add(header.value))
                    pairs.initializeElement(
                        at: index,
                        to: gantry_pair(name: name, value: value, secret: gantry_slice())
                    )
                    index += 1
                }
                event.pairs = UnsafePointer(pairs.baseAddress)
                event.pair_count = count
                return body(&event)
            }
        }
    }

    private func lendStart<R>(
        _ request: OperationRequest,
        _ partial: gantry_event,
        _ body: (UnsafePointer<gantry_event>) -> R
    ) -> R {
        var event = partial
        event.kind = UInt32(GANTRY_EV_START)
        event.value = request.source.map { UInt64(clamping: $0.sizeInBytes) } ?? .max
        if request.isStreaming { event.flags |= UInt32(GANTRY_IN_STREAM) }
        if request.isRetry { event.flags |= UInt32(GANTRY_IN_RETRY) }
        if request.source != nil { event.flags |= UInt32(GANTRY_IN_SOURCE_REPLAYABLE) }
        return lend(data: request.input, text: request.requestID, request.references, event, body)
    }

    private func lend<R>(
        data: ByteBuffer,
        text: String,
        _ references: [OperationReference],
        _ partial: gantry_event,
        _ body: (UnsafePointer<gantry_event>) -> R
    ) -> R {
        var event = partial
        let size = references.reduce(text.utf8.count) { $0 + $1.sizeOfTexts }
        return withUnsafeTemporaryAllocation(of: gantry_ref.self, capacity: references.count) { refs in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { space in
                var texts = LentTexts(space)
                event.text = texts.add(text)
                for index in references.indices {
                    refs.initializeElement(at: index, to: gantry_ref(references[index], &texts))
                }
                event.refs = UnsafePointer(refs.baseAddress)
                event.ref_count = references.count
                return data.withUnsafeReadableBytes { data in
                    event.data = gantry_slice(data)
                    return body(&event)
                }
            }
        }
    }
}

/// Many short texts in one piece of memory, in most cases the stack's.
private struct LentTexts {
    private let space: UnsafeMutableBufferPointer<UInt8>
    private var count = 0

    /// Makes room; the texts may not be longer than this together.
    init(_ space: UnsafeMutableBufferPointer<UInt8>) { self.space = space }

    mutating func add(_ text: String) -> gantry_slice {
        var text = text
        return text.withUTF8 { bytes in
            let place = take(bytes.count)
            _ = place.initialize(from: bytes)
            return gantry_slice(UnsafeRawBufferPointer(place))
        }
    }

    /// Adds a header's name, which is ASCII.
    mutating func add(lowercased name: String) -> gantry_slice {
        var name = name
        return name.withUTF8 { bytes in
            let place = take(bytes.count)
            for index in bytes.indices {
                place.initializeElement(at: index, to: bytes[index].lowercasedASCII)
            }
            return gantry_slice(UnsafeRawBufferPointer(place))
        }
    }

    private mutating func take(_ length: Int) -> UnsafeMutableBufferPointer<UInt8> {
        defer { count += length }
        return UnsafeMutableBufferPointer(rebasing: space[count..<count + length])
    }
}

extension OperationReference {
    fileprivate var sizeOfTexts: Int {
        clientID.utf8.count + upstreamID.utf8.count + mimeType.utf8.count + filename.utf8.count
    }
}

extension gantry_ref {
    fileprivate init(_ reference: OperationReference, _ texts: inout LentTexts) {
        self.init(
            kind: reference.kind.rawValue,
            reserved: 0,
            offset: UInt64(reference.range.lowerBound),
            length: UInt64(reference.range.count),
            client_id: texts.add(reference.clientID),
            upstream_id: texts.add(reference.upstreamID),
            mime_type: texts.add(reference.mimeType),
            filename: texts.add(reference.filename)
        )
    }
}
