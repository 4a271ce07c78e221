import CGantryPlugin

#if canImport(HostPluginABI)
@testable import HostPluginABI
#endif  // else one module with it: the fuzzer

/// Memory for lent structs that lives as long as this object.
final class Lender {
    private var allocations: [UnsafeMutableRawBufferPointer] = []

    deinit { for allocation in allocations { allocation.deallocate() } }

    func slice(_ text: String) -> gantry_slice { slice(Array(text.utf8)) }

    func slice(_ bytes: [UInt8]) -> gantry_slice {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
        memory.copyBytes(from: bytes)
        allocations.append(memory)
        return gantry_slice(UnsafeRawBufferPointer(memory))
    }

    func pair(_ name: String, _ value: String, _ secret: String = "") -> gantry_pair {
        gantry_pair(name: slice(name), value: slice(value), secret: slice(secret))
    }

    func array<T>(_ elements: [T]) -> UnsafePointer<T>? {
        let memory = UnsafeMutableBufferPointer<T>.allocate(capacity: max(1, elements.count))
        _ = memory.initialize(from: elements)
        allocations.append(UnsafeMutableRawBufferPointer(memory))
        return UnsafePointer(memory.baseAddress)
    }

    func event(dataBytes: Int = 5) -> gantry_event {
        gantry_event(
            size: UInt32(MemoryLayout<gantry_event>.size),
            kind: UInt32(GANTRY_EV_START),
            flags: 3,
            request: 7,
            code: -4,
            reserved: 0,
            value: .max,
            data: slice((0..<dataBytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }),
            text: slice("req-1"),
            pairs: array([pair("content-type", "text/plain"), pair("empty", "")]),
            pair_count: 2,
            refs: array([
                gantry_ref(
                    kind: 2,
                    reserved: 0,
                    offset: 1,
                    length: 2,
                    client_id: slice("file-a"),
                    upstream_id: slice("file-b"),
                    mime_type: slice("text/plain"),
                    filename: slice("a.txt")
                )
            ]),
            ref_count: 1
        )
    }

    func command(_ kind: Int, data: String = "", text: String = "") -> gantry_command {
        var command = gantry_command()
        command.size = UInt32(MemoryLayout<gantry_command>.size)
        command.kind = UInt32(kind)
        command.data = slice(data)
        command.text = slice(text)
        return command
    }

    func request(_ id: UInt32 = 1) -> gantry_command {
        var command = command(GANTRY_CMD_HTTP)
        command.flags = UInt32(GANTRY_HTTP_IDEMPOTENT)
        command.request = id
        command.code = Int32(GANTRY_FRAME_SSE)
        command.value = 30_000
        command.method = slice("POST")
        command.url = slice("https://api.example.com/v1/chat")
        command.pairs = array([pair("authorization", "Bearer ", "api_key")])
        command.pair_count = 1
        command.segments = array([
            gantry_segment(kind: 0, flags: 0, bytes: slice("{\"a\":"), offset: 0, length: 0),
            gantry_segment(kind: 2, flags: 0, bytes: gantry_slice(), offset: 3, length: 9),
            gantry_segment(kind: 3, flags: 1, bytes: slice("api_key"), offset: 0, length: 0),
        ])
        command.segment_count = 3
        return command
    }
}

/// What a struct says, as values that can be compared after its memory is gone.
func description(of slice: gantry_slice) -> [UInt8] { Array(UnsafeRawBufferPointer(lent: slice)) }

func description(of pairs: UnsafePointer<gantry_pair>?, _ count: Int) -> [[[UInt8]]] {
    UnsafeBufferPointer(start: pairs, count: count).map {
        [description(of: $0.name), description(of: $0.value), description(of: $0.secret)]
    }
}

func description(of event: gantry_event) -> String {
    let refs = UnsafeBufferPointer(start: event.refs, count: event.ref_count).map {
        "\($0.kind) \($0.offset) \($0.length) "
            + "\([$0.client_id, $0.upstream_id, $0.mime_type, $0.filename].map(description(of:)))"
    }
    return "\(event.size) \(event.kind) \(event.flags) \(event.request) \(event.code) \(event.value) "
        + "\(description(of: event.data)) \(description(of: event.text)) "
        + "\(description(of: event.pairs, event.pair_count)) \(refs)"
}

func description(of command: gantry_command) -> String {
    let segments = UnsafeBufferPointer(start: command.segments, count: command.segment_count).map {
        "\($0.kind) \($0.flags) \(description(of: $0.bytes)) \($0.offset) \($0.length)"
    }
    return "\(command.size) \(command.kind) \(command.flags) \(command.request) \(command.code) \(command.upstream) "
        + "\(command.value) \([command.data, command.text, command.method, command.url].map(description(of:))) "
        + "\(description(of: command.pairs, command.pair_count)) \(segments)"
}

extension OutgoingMessage {
    /// The message's packets, as they would go over a socket.
    func packets() -> [[UInt8]] {
        var message = self
        return (0..<message.packetCount).map { index in message.withPacket(index) { Array($0) } }
    }

    /// The message's body.
    func body() -> [UInt8] { packets().flatMap { $0.dropFirst(WorkerProtocol.headerBytes) } }
}

extension EmissionRules {
    /// What `emit` returns for a command.
    mutating func status(of command: UnsafePointer<gantry_command>) -> gantry_status {
        do throws(RefusedCommand) {
            _ = try admit(command)
            return Status.ok
        } catch {
            return error.code
        }
    }
}
