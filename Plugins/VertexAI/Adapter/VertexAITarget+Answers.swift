import GantryPlugin

extension VertexAITarget {
    nonisolated(nonsending) func chat(_ operation: Operation) async throws(Failure) -> OperationResult {
        let request = try ChatRequest(
            operation.inputJSON(),
            references: operation.references,
            settings: settings,
            buckets: buckets.names
        )
        let response = try await generate(request.body, for: operation)
        let identity = try identity()
        if operation.isStreaming {
            let stream = ChatStream(identity: identity, includesUsage: request.includesUsage)
            return try await pass(response, through: stream, to: operation)
        }
        let answer = try ChatAnswer(try await document(of: response), identity: identity)
        if let usage = answer.usage { try operation.usage(usage) }
        return .json(answer.body)
    }

    /// Answers a Responses request; nothing of it is kept.
    nonisolated(nonsending) func responses(_ operation: Operation) async throws(Failure) -> OperationResult {
        let request = try ResponsesRequest(
            operation.inputJSON(),
            references: operation.references,
            settings: settings,
            buckets: buckets.names
        )
        let response = try await generate(request.body, for: operation)
        let identity = try identity()
        try operation.remember(kind: "unstored_response", id: identity.responseID)
        if operation.isStreaming {
            let stream = ResponsesStream(echo: request.echo, identity: identity)
            return try await pass(response, through: stream, to: operation)
        }
        let answer = try ResponsesAnswer(try await document(of: response), echo: request.echo, identity: identity)
        if let usage = answer.usage { try operation.usage(usage) }
        return .json(answer.body)
    }

    /// Sends the body to the model; the response is a success.
    private nonisolated(nonsending) func generate(
        _ body: JSON,
        for operation: Operation
    ) async throws(Failure) -> HTTPResponse {
        let isStreaming = operation.isStreaming
        let method = isStreaming ? "streamGenerateContent" : "generateContent"
        let call = HTTPRequest(
            method: "POST",
            url: settings.modelURL(method: method) + (isStreaming ? "?alt=sse" : ""),
            headers: [Header("Content-Type", "application/json")],
            body: [.bytes(body.serialized())],
            framing: isStreaming ? .serverSentEvents : .whole
        )
        let sender = AuthorizedSender(operation: operation, quotaProject: settings.credentials.quotaProjectID)
        let response = try await sender.send(call)
        guard response.status == 200 else {
            let error = UpstreamError(
                status: response.status,
                headers: response.headers,
                body: try await response.body()
            )
            throw error.failure(service: Wire.providerName)
        }
        return response
    }

    private nonisolated(nonsending) func document(of response: HTTPResponse) async throws(Failure) -> JSON {
        guard let document = Wire.document(try await response.body()) else {
            throw Failure(.upstreamProtocol, "\(Wire.providerName)'s answer is not JSON.", mayFallBack: true)
        }
        return document
    }

    private nonisolated(nonsending) func pass<Stream: AnswerStream>(
        _ response: HTTPResponse,
        through stream: Stream,
        to operation: Operation
    ) async throws(Failure) -> OperationResult {
        var stream = stream
        while let event = try await response.next() {
            guard !event.data.isEmpty else { continue }
            for payload in try stream.consume(event.data) {
                try operation.output(payload.serialized(), event: Stream.eventName(payload))
            }
        }
        for payload in try stream.finish() {
            try operation.output(payload.serialized(), event: Stream.eventName(payload))
        }
        if let usage = stream.usageReport { try operation.usage(usage) }
        return .done
    }

    private func identity() throws(Failure) -> AnswerIdentity {
        var text = ""
        for byte in try host.random(count: 12) {
            text += byte < 16 ? "0" : ""
            text += String(byte, radix: 16)
        }
        return AnswerIdentity(
            created: Int64(clamping: host.nowMilliseconds / 1000),
            model: settings.model,
            uniqueText: text
        )
    }
}
