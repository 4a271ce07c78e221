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

    /// The event with which a stream of a response ends that failed.
    ///
    /// Beside the members that such an event has at OpenAI stands the `error` that the SDKs raise.
    ///
    /// - Parameters:
    ///   - failure: Why.
    ///   - number: How many events came before it.
    /// - Returns: The event.
    /// - Throws: If the failure has no JSON.
    static func responseError(_ failure: DeploymentFailure, number: Int) throws -> ByteBuffer {
        frame(try ByteBuffer(json: ResponseError(ErrorResponses.answer(for: failure).body, number)), name: "error")
    }

    private struct ResponseError: Encodable {
        private enum CodingKeys: String, CodingKey {
            case type
            case code
            case message
            case param
            case number = "sequence_number"
            case error
        }

        let type = "error"
        let code: String?
        let message: String
        let param: String?
        let number: Int
        let error: ErrorBody.Detail

        init(_ body: ErrorBody, _ number: Int) {
            (code, message, param) = (body.error.code, body.error.message, body.error.param)
            (self.number, error) = (number, body.error)
        }
    }

    static func error(_ failure: DeploymentFailure) throws -> ByteBuffer {
        frame(try ByteBuffer(json: ErrorResponses.answer(for: failure).body), name: "")
    }
}
