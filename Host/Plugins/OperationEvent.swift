import CGantryPlugin
import HostCore
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
    case token(Result<String, OperationFailure>)
    case cancel

    /// Whether this event says something of the outstanding request.
    var belongsToRequest: Bool {
        switch self {
        case .head, .data, .end, .failed: true
        case .start, .timer, .token, .cancel: false
        }
    }

    /// How many bytes the plugin will look at, by which the host chooses where the step runs.
    func weightInBytes(of request: OperationRequest) -> Int {
        switch self {
        case .start: request.input.readableBytes
        case .data(_, let bytes, _): bytes.readableBytes
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
        var texts = LentTexts()
        let ranges = headers.map { (texts.add(lowercased: $0.name), texts.add($0.value)) }
        return texts.withSlices { slice in
            let pairs = ranges.map { gantry_pair(name: slice($0.0), value: slice($0.1), secret: gantry_slice()) }
            return pairs.withUnsafeBufferPointer { pairs in
                event.pairs = pairs.baseAddress
                event.pair_count = pairs.count
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
        if request.source != nil { event.flags |= UInt32(GANTRY_IN_SOURCE_REPLAYABLE) }
        var texts = LentTexts()
        let id = texts.add(request.requestID)
        let references = request.references.map { reference in
            (
                reference, texts.add(reference.clientID), texts.add(reference.upstreamID),
                texts.add(reference.mimeType), texts.add(reference.filename)
            )
        }
        return texts.withSlices { slice in
            event.text = slice(id)
            let refs = references.map { reference, client, upstream, mimeType, filename in
                gantry_ref(
                    kind: reference.kind.rawValue,
                    reserved: 0,
                    offset: UInt64(reference.range.lowerBound),
                    length: UInt64(reference.range.count),
                    client_id: slice(client),
                    upstream_id: slice(upstream),
                    mime_type: slice(mimeType),
                    filename: slice(filename)
                )
            }
            return refs.withUnsafeBufferPointer { refs in
                event.refs = refs.baseAddress
                event.ref_count = refs.count
                return request.input.withUnsafeReadableBytes { input in
                    event.data = gantry_slice(input)
                    return body(&event)
                }
            }
        }
    }
}

/// Many short texts in one piece of memory, so that lending them costs one allocation.
private struct LentTexts {
    private var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(512) }

    mutating func add(_ text: String) -> Range<Int> {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        return start..<bytes.count
    }

    /// Adds a header's name, which is ASCII.
    mutating func add(lowercased name: String) -> Range<Int> {
        let start = bytes.count
        for byte in name.utf8 { bytes.append((0x41...0x5a).contains(byte) ? byte | 0x20 : byte) }
        return start..<bytes.count
    }

    func withSlices<R>(_ body: ((Range<Int>) -> gantry_slice) -> R) -> R {
        bytes.withUnsafeBytes { bytes in
            body { range in gantry_slice(UnsafeRawBufferPointer(rebasing: bytes[range])) }
        }
    }
}

extension gantry_slice {
    /// Lends bytes for the time that the buffer is valid.
    init(_ buffer: UnsafeRawBufferPointer) {
        self.init(ptr: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), len: buffer.count)
    }
}
