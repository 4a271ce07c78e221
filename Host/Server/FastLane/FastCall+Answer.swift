import HTTPTypes
import HostCore
import HostPlugins
import Logging
import NIOCore
import NIOHTTP1

/// How far a call's answer is, and of which kind.
enum FastAnswer {
    case none
    /// The provider's own, byte for byte.
    case piped(isEventStream: Bool)
    /// Events that the adapter made.
    case events
    case ended
}

extension FastCall {
    /// The head of an answer that a deployment made.
    private func begin(_ kind: FastAnswer, _ status: HTTPResponseStatus, contentType: String, length: Int? = nil) {
        answer = kind
        forgetRequest()
        var head = answerHead(status, contentType: contentType, length: length)
        if let deployment { head.add("x-gantry-model-id", deployment.id.description) }
        head.add("x-gantry-overhead-duration-ms", (overhead ?? .zero).millisecondsText)
        if case .events = kind { head.add("cache-control", "no-cache") }
        begin(head)
    }

    func begin(_ head: AnswerHead) {
        status = Int(head.status.code)
        lane?.begin(head)
    }

    func writeBody(_ bytes: ByteBuffer) { lane?.write(bytes) }

    /// What has been written goes out even if nothing more comes.
    func flush() { lane?.flushSoon() }

    func end() {
        maker.services.logger.debug(
            "request answered",
            metadata: ["call.id": "\(callID)", "http.method": "POST", "http.status": "\(status)"]
        )
        let lane = lane
        finish()
        lane?.end()
    }

    func abort() {
        let lane = lane
        finish()
        lane?.abort()
    }
}

extension FastCall: OperationClient {
    func operationWillJournal(_ entry: JournalEntry) -> EventLoopFuture<Void>? { response?.journal(entry) }
    func operationDidUse(_: ByteBuffer) {}

    func operationDidBeginPipe(status: Int, headers: HTTPHeaders) {
        let contentType = headers.first(.contentType) ?? "application/json"
        let told = headers.first(.contentLength).flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 }
        // Ids in it are replaced by longer ones.
        let length = response == nil ? told : nil
        begin(
            .piped(isEventStream: contentType.hasPrefix("text/event-stream")),
            HTTPResponseStatus(statusCode: status),
            contentType: contentType,
            length: length
        )
        missing = length
        if missing == nil { flush() }
    }

    func operationDidPipe(_ bytes: ByteBuffer) {
        writeBody(response?.rewritten(piece: bytes) ?? bytes)
        missing = missing.map { $0 - bytes.readableBytes }
        // With the last byte comes the end, and all goes out at once.
        if missing != 0 { flush() }
    }

    func operationDidOutput(_ payload: ByteBuffer, event: String) {
        beginEvents()
        writeBody(ServerSentEvent.frame(response?.rewritten(payload) ?? payload, name: event))
        events += 1
        flush()
    }

    private func beginEvents() {
        if case .none = answer { begin(.events, .ok, contentType: "text/event-stream; charset=utf-8") }
    }

    func operationDidEnd(_ outcome: Result<OperationResult, OperationFailure>) {
        driver = nil
        switch outcome {
        case .success(let result): succeed(with: result)
        case .failure(let failure):
            response?.fail()
            fail(with: response?.rewritten(failure) ?? failure)
        }
    }

    private func succeed(with result: OperationResult) {
        switch answer {
        case .none where modelCall?.isStreaming ?? false:
            beginEvents()
            fallthrough
        case .events:
            // A response's last event says that it is over.
            if response == nil { writeBody(ByteBuffer(staticString: "data: [DONE]\n\n")) }
            end()
        case .none:
            let body = response?.rewritten(result.data) ?? result.data
            begin(.piped(isEventStream: false), .ok, contentType: "application/json", length: body.readableBytes)
            writeBody(body)
            end()
        case .piped:
            if let response { writeBody(response.finishPieces()) }
            end()
        case .ended: break
        }
    }

    /// A failure in mid-stream ends an event stream with an error event, as OpenAI does; of any other body the rest is
    /// missing, so the connection is cut and the client cannot take it for whole.
    private func fail(with failure: OperationFailure) {
        guard let deployment else { return abort() }
        let failure = DeploymentFailure(deployment: deployment, failure: failure)
        do {
            switch answer {
            case .none: try makeUp(for: failure)
            case .piped(isEventStream: true):
                // The cut may have come inside of a line: the empty line ends whatever event was begun.
                writeBody(ByteBuffer(staticString: "\n\n"))
                writeBody(try errorEvent(failure))
                end()
            case .events:
                writeBody(try errorEvent(failure))
                end()
            case .piped: abort()
            case .ended: break
            }
        } catch {
            if case .none = answer { refuse(error) } else { abort() }
        }
    }

    private func errorEvent(_ failure: DeploymentFailure) throws -> ByteBuffer {
        guard response != nil else { return try ServerSentEvent.error(failure) }
        return try ServerSentEvent.responseError(failure, number: events)
    }
}
