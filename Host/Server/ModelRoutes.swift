import HTTPTypes
import HostCore
import HostPlugins
import HostTransfer
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// Chat and embeddings: the client's body goes to a deployment that holds its files, the answer comes back as it is.
struct ModelRoutes: Sendable {
    let services: GatewayServices

    func add(to table: inout RouteTable) {
        let paths = { (operation: String) in
            [
                "/v1/\(operation)", "/\(operation)", "/openai/deployments/:model/\(operation)",
                "/engines/:model/\(operation)",
            ]
        }
        table.add(.post, paths("chat/completions")) { try await answer($0, .chat) }
        table.add(.post, paths("embeddings")) { try await answer($0, .embed) }
    }

    private func answer(_ call: Call, _ kind: OperationKind) async throws -> Response {
        let limit = services.limits.requestBytes
        let length = call.request.declaredLength ?? Int64(limit)
        let share = try services.requestMemory.share(ofBytes: min(length, Int64(limit)))
        let body = try await call.body(limit: limit)
        let modelInPath = call.context.parameters.get("model") == nil ? nil : try call.parameter("model")
        var modelCall = try await ModelCall(body: body, modelInPath: modelInPath, for: call.principal, services)
        let candidates = try await candidates(&modelCall, call)
        let overhead = ContinuousClock.now - call.context.receivedAt
        let (answer, first) = try await begin(&modelCall, at: candidates, kind, call, share)
        var headers: HTTPFields = [:]
        headers[.modelID] = answer.deployment.id.description
        headers[.overhead] = overhead.millisecondsText
        return try response(answer, first, isStreaming: modelCall.scan.stream ?? false, headers)
    }

    /// The deployments of the model, or why none can be had now.
    private func candidates(_ modelCall: inout ModelCall, _ call: Call) async throws -> Candidates {
        do {
            return .found(try await modelCall.candidates(services, callID: call.context.callID))
        } catch let failure as FanOutFailure where failure.failure.mayFallBack || failure.failure.isRetryable {
            return .failed(failure)
        }
    }

    /// Does what the plan says until a deployment begins to answer.
    private func begin(
        _ modelCall: inout ModelCall,
        at candidates: Candidates,
        _ kind: OperationKind,
        _ call: Call,
        _ share: RequestMemory.Share
    ) async throws -> (AnswerStream, OperationPart) {
        let asked = modelCall.modelName
        var generator = SystemRandomNumberGenerator()
        var plan = AttemptPlan(model: asked, rules: services.routing.retry, start: call.context.receivedAt)
        var failed: (any Error)?
        var next = offer(candidates, of: modelCall, to: &plan, &failed)
        while true {
            switch next {
            case .giveUp:
                throw failed ?? RuleError(.modelNotFound, "The model has no deployment.", parameter: "model")
            case .choose(let model, let pause):
                try await wait(pause, call)
                do {
                    try modelCall.turn(to: model, services)
                    let candidates = try await self.candidates(&modelCall, call)
                    next = offer(candidates, of: modelCall, to: &plan, &failed)
                } catch let error as RuleError where model != asked {
                    // That another model cannot serve the request either is not what the client has to know.
                    services.logger.debug("a fallback cannot serve a request", metadata: ["error": "\(error)"])
                    next = plan.refused()
                }
            case .attempt(let deployment, let pause):
                try await wait(pause, call)
                let answer = try answer(to: modelCall, on: deployment, kind, call, share)
                do {
                    return (answer, try await answer.firstPart())
                } catch let failure as DeploymentFailure {
                    failed = failure
                    let hasLost = try await modelCall.forgetLostCopies(after: failure, services)
                    next = plan.failed(failure.attempt(hasLostFile: hasLost), at: .now, using: &generator)
                }
            }
        }
    }

    private func offer(
        _ candidates: Candidates,
        of modelCall: ModelCall,
        to plan: inout AttemptPlan,
        _ failed: inout (any Error)?
    ) -> AttemptPlan.Next {
        switch candidates {
        case .found(let deployments): return plan.offered(deployments, isLastResort: modelCall.isLastResort)
        case .failed(let failure):
            failed = failure
            return plan.refused()
        }
    }

    /// Waits, unless the client goes away.
    private func wait(_ pause: Duration, _ call: Call) async throws {
        guard pause > .zero else { return }
        try await cancellingOnDisconnect(of: call.context.channel) { try await Task.sleep(for: pause) }
    }

    private func answer(
        to modelCall: ModelCall,
        on deployment: Deployment,
        _ kind: OperationKind,
        _ call: Call,
        _ share: RequestMemory.Share
    ) throws -> AnswerStream {
        let request = modelCall.operation(kind, on: deployment, callID: call.context.callID, now: services.clock.now())
        let stream = try services.plugins.stream(request, on: deployment.id, loop: call.context.channel.eventLoop)
        return AnswerStream(stream, deployment: deployment, channel: call.context.channel, share: share)
    }

    private func response(
        _ answer: AnswerStream,
        _ first: OperationPart,
        isStreaming: Bool,
        _ headers: HTTPFields
    ) throws -> Response {
        var headers = headers
        switch first {
        case .pipe(let status, let upstream):
            headers[.contentType] = upstream.first(name: "content-type") ?? "application/json"
            let length = upstream.first(name: "content-length").flatMap { Int($0) }
            let isEventStream = headers[.contentType]?.hasPrefix("text/event-stream") ?? false
            let body = ResponseBody(contentLength: length) { writer in
                try await answer.writePiped(to: &writer, isEventStream: isEventStream)
            }
            return Response(status: .init(code: status), headers: headers, body: body)
        case .result(let result) where !isStreaming:
            return .json(result.data, headers: headers)
        case .event, .result, .bytes, .usage:
            headers[.contentType] = "text/event-stream; charset=utf-8"
            headers[.cacheControl] = "no-cache"
            let body = ResponseBody { writer in try await answer.writeEvents(to: &writer, first: first) }
            return Response(status: .ok, headers: headers, body: body)
        }
    }
}

/// Where a request can go.
private enum Candidates {
    case found([Deployment])
    /// A provider did not give or take the files that the request needs.
    case failed(FanOutFailure)
}

extension DeploymentFailure {
    /// What this failure allows.
    fileprivate func attempt(hasLostFile: Bool) -> AttemptPlan.Failure {
        AttemptPlan.Failure(
            isRetryable: failure.isRetryable,
            mayFallBack: failure.mayFallBack,
            hasLostFile: hasLostFile,
            retryAfter: failure.retryAfter
        )
    }
}

extension OperationFailure {
    /// Whether a provider may have refused a request because it does not have a file of it.
    var mayBeForLackOfFile: Bool {
        switch reason {
        case .notFound: true
        case .invalid: message.lowercased().contains("file") || parameter?.contains("file") ?? false
        default: false
        }
    }
}

extension AnswerStream {
    /// The first piece that says what kind of answer it is.
    func firstPart() async throws -> OperationPart {
        while true {
            let part = try await next()
            if case .usage = part { continue }
            return part
        }
    }

    /// Writes what the provider sends, byte for byte.
    ///
    /// A failure in mid-stream ends an event stream with an error event, as OpenAI does; of any other body the rest is
    /// missing, so the connection is cut and the client cannot take it for whole.
    func writePiped(to writer: inout any ResponseBodyWriter, isEventStream: Bool) async throws {
        do {
            while true {
                switch try await next() {
                case .bytes(let bytes): try await writer.write(bytes)
                case .result:
                    try await writer.finish(nil)
                    return
                case .pipe, .event, .usage: continue
                }
            }
        } catch let failure as DeploymentFailure where isEventStream && failure.failure.reason != .cancelled {
            // The cut may have come inside of a line: the empty line ends whatever event was begun.
            try await writer.write(ByteBuffer(string: "\n\n"))
            try await writer.write(ServerSentEvent.error(failure))
            try await writer.finish(nil)
        }
    }

    /// Frames an adapter's events.
    func writeEvents(to writer: inout any ResponseBodyWriter, first: OperationPart) async throws {
        var part = first
        do {
            while true {
                switch part {
                case .event(let payload, let name): try await writer.write(ServerSentEvent.frame(payload, name: name))
                case .result:
                    try await writer.write(ByteBuffer(string: "data: [DONE]\n\n"))
                    try await writer.finish(nil)
                    return
                case .pipe, .bytes, .usage: break
                }
                part = try await next()
            }
        } catch let failure as DeploymentFailure where failure.failure.reason != .cancelled {
            try await writer.write(ServerSentEvent.error(failure))
            try await writer.finish(nil)
        }
    }
}

/// The lines of a server-sent event.
enum ServerSentEvent {
    static func frame(_ payload: ByteBuffer, name: String) -> ByteBuffer {
        var frame = ByteBuffer()
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

extension Duration {
    /// Milliseconds with three decimals.
    var millisecondsText: String {
        let (seconds, attoseconds) = components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        let fraction = String(microseconds % 1000)
        return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
