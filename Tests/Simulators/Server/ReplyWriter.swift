import HTTPTypes
import Hummingbird
import NIOCore

/// Puts a reply on the wire, as badly as its fault demands.
struct ReplyWriter: Sendable {
    private static let pieceBytes = 128 * 1024

    let reply: Reply
    let fault: Fault?
    let client: ClientConnection
    /// Called once, with whether the client left before the end.
    let onEnd: @Sendable (_ isCancelled: Bool) -> Void

    func response() -> Response {
        let breaksChunking = fault?.breaksChunking ?? false
        let length = breaksChunking ? nil : reply.contentLength
        var headers = reply.headers
        if let length, reply.status != 204, headers[.contentLength] == nil { headers[.contentLength] = String(length) }
        let body = ResponseBody(contentLength: length) { writer in
            do {
                try await write(to: &writer)
                try await writer.finish(nil)
                onEnd(false)
            } catch {
                onEnd(client.isGone && !(error is ConnectionCut))
                try await client.close()
                throw error
            }
        }
        var response = Response(status: .init(code: reply.status), headers: headers, body: body)
        // RFC 9110 §8.6: a 204 has no Content-Length.
        if reply.status == 204 { response.headers[.contentLength] = nil }
        return response
    }

    private func write(to writer: inout any ResponseBodyWriter) async throws {
        var sink = Sink(fault: fault, client: client)
        switch reply.body {
        case .empty: break
        case .bytes(let bytes): try await sink.write(bytes, to: &writer)
        case .events(let events): try await write(events, to: &sink, &writer)
        case .blob(let store, let blob, let range):
            let reader = try store.reader(of: blob)
            var offset = range.lowerBound
            while offset < range.upperBound {
                let piece = try reader.read(at: offset, count: min(Self.pieceBytes, range.upperBound - offset))
                offset += piece.readableBytes
                try await sink.write(piece, to: &writer)
            }
        }
        if fault?.cutAfterBytes != nil { try await sink.cut() }
        if fault?.breaksChunking == true { try await sink.breakChunking() }
    }

    private func write(_ events: [ByteBuffer], to sink: inout Sink, _ writer: inout any ResponseBodyWriter) async throws
    {
        for (index, event) in events.enumerated() {
            if index > 0, let delay = fault?.eventDelay { try await client.pause(for: delay) }
            if index == 2, let error = fault?.errorEvent {
                // An event of the Responses API has its type for a name.
                let name = error["type"]?.string.map { "event: \($0)\n" } ?? ""
                return try await sink.write(ByteBuffer(string: "\(name)data: \(error.text)\n\n"), to: &writer)
            }
            if index == 2, fault?.breaksChunking == true { return }
            try await sink.write(event, to: &writer)
        }
    }
}

/// Writes pieces of a body at the fault's pace and up to its cut.
private struct Sink {
    private static let ticksPerSecond = 20

    let fault: Fault?
    let client: ClientConnection
    private var sentBytes = 0

    init(fault: Fault?, client: ClientConnection) {
        self.fault = fault
        self.client = client
    }

    mutating func write(_ piece: ByteBuffer, to writer: inout any ResponseBodyWriter) async throws {
        var piece = piece
        while piece.readableBytes > 0 {
            guard !client.isGone else { throw ClientGone() }
            var count = piece.readableBytes
            if let limit = fault?.cutAfterBytes { count = min(count, limit - sentBytes) }
            if let rate = fault?.slowBytesPerSecond { count = min(count, max(1, rate / Self.ticksPerSecond)) }
            guard count > 0, let slice = piece.readSlice(length: count) else { return try await cut() }
            try await writer.write(slice)
            sentBytes += count
            if fault?.slowBytesPerSecond != nil { try await client.pause(for: .seconds(1) / Self.ticksPerSecond) }
        }
    }

    /// Lets what was written reach the client, then closes the connection.
    func cut() async throws {
        try await client.sendRaw(ByteBuffer())
        try await client.close()
        throw ConnectionCut()
    }

    /// Sends what no chunked body contains, then closes the connection.
    func breakChunking() async throws {
        try await client.sendRaw(ByteBuffer(string: "not-a-chunk\r\ngarbage\r\n"))
        try await client.close()
        throw ConnectionCut()
    }
}
