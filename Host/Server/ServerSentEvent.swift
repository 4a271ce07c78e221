import NIOCore

/// The lines of a server-sent event.
enum ServerSentEvent {
    static func frame(_ payload: ByteBuffer, name: String) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.reserveCapacity(payload.readableBytes + name.utf8.count + 16)
        if !name.isEmpty { frame.writeString("event: \(name)\n") }
        frame.writeStaticString("data: ")
        frame.writeImmutableBuffer(payload)
        frame.writeStaticString("\n\n")
        return frame
    }

    static func error(_ failure: DeploymentFailure) throws -> ByteBuffer {
        frame(try ByteBuffer(json: ErrorResponses.answer(for: failure).body), name: "")
    }
}
