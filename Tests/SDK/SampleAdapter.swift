import GantryPlugin
import Synchronization

/// An adapter that uses every part of the SDK, each kind of operation another part.
struct SampleAdapter: Adapter {
    static let description = PluginDescription(
        id: "sample",
        version: "1.2.3",
        operations: [
            .probe, .credential, .chat, .embed, .fileCreate, .fileGet, .fileDelete, .fileContent, .inputCreate,
        ],
        parameters: [
            ParameterDescription(name: "key", kind: .secret, environmentVariable: "SAMPLE_KEY"),
            ParameterDescription(
                name: "account",
                kind: .credentials(members: ["private_key"], endpoints: ["token_uri"])
            ),
        ],
        configuration: [ParameterDescription(name: "base", kind: .endpoint), ParameterDescription(name: "tier")],
        contentPurposes: ["*"]
    )

    let host: Host

    init(configuration: JSON, host: Host) throws(Failure) {
        if configuration["bad"] != nil { throw Failure(.invalid, "`bad` is not known.", parameter: "bad") }
        self.host = host
    }

    func makeTarget(parameters: JSON) throws(Failure) -> SampleTarget {
        if parameters["bad"] != nil { throw Failure(.invalid, "`bad` is not known.", parameter: "bad") }
        return SampleTarget(host: host)
    }
}

/// The sample adapter, with a count of its tasks; one suite alone uses it.
struct CountedAdapter: Adapter {
    static var description: PluginDescription { SampleAdapter.description }

    /// Tasks that have not ended.
    static let liveTasks = Mutex(0)

    private let sample: SampleAdapter

    init(configuration: JSON, host: Host) throws(Failure) {
        sample = try SampleAdapter(configuration: configuration, host: host)
    }

    func makeTarget(parameters: JSON) throws(Failure) -> CountedTarget {
        CountedTarget(sample: try sample.makeTarget(parameters: parameters))
    }
}

struct CountedTarget: AdapterTarget {
    let sample: SampleTarget

    func relay(_ operation: Operation) throws(Failure) -> Relay? { try sample.relay(operation) }

    func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
        let witness = TaskWitness()
        defer { withExtendedLifetime(witness) {} }
        return try await sample.perform(operation)
    }
}

/// What one task of the counted adapter holds while it lives.
private final class TaskWitness {
    init() { CountedAdapter.liveTasks.withLock { $0 += 1 } }
    deinit { CountedAdapter.liveTasks.withLock { $0 -= 1 } }
}

struct SampleTarget: AdapterTarget {
    let host: Host

    /// Relays PROBE; what the provider says against it is the failure's message.
    func relay(_ operation: Operation) throws(Failure) -> Relay? {
        guard operation.kind == .probe else { return nil }
        let request = HTTPRequest(method: "GET", url: "https://sample.example/probe", framing: .raw)
        return Relay(request) { (response) async throws(Failure) in
            Failure(.conflict, String(decoding: try await response.body(), as: UTF8.self))
        }
    }

    func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
        switch operation.kind {
        case .chat: return try await chat(operation)
        case .embed: return try await embed(operation)
        case .fileCreate: return try await create(operation)
        case .fileContent: return try await content(operation)
        case .inputCreate: return try await pullLines(operation)
        case .fileGet: return try await readLate(operation)
        case .fileDelete: return try await twoRequests(operation)
        case .credential: return .token("secret-token", expiresInMilliseconds: 60_000)
        default: return .done
        }
    }

    /// Awaits every kind of event and emits every kind of command but PIPE.
    private func chat(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let length = try operation.withInput { $0.count }
        let token = try await operation.token(scope: "scope-1", refresh: operation.isRetry)
        try await operation.wait(milliseconds: 5)
        let response = try await operation.send(
            HTTPRequest(
                method: "POST",
                url: "https://sample.example/chat",
                headers: [Header("Authorization", "Bearer \(token)"), Header("X-Key", "k=", secret: "key")],
                body: [
                    .text("{"), .input(1..<length), .input(3..<3), .bytes([]), .bytes([0x7D]),
                    .source(offset: 1, length: 2),
                    .secret("key", formEncoded: true),
                ],
                framing: .serverSentEvents,
                allowsRetry: false,
                timeoutMilliseconds: 1_000
            )
        )
        while let chunk = try await response.next() { try operation.output(chunk.data, event: chunk.event) }
        try operation.usage(["total_tokens": 3])
        return .json([
            "status": .number(JSONNumber(response.status)),
            "type": response.header("Content-Type").map { .string($0) } ?? nil,
            "model": input["model"] ?? nil,
            "request": .string(operation.requestID),
            "references": .array(operation.references.map { .string("\($0.clientID)>\($0.upstreamID)") }),
        ])
    }

    private func embed(_ operation: Operation) async throws(Failure) -> OperationResult {
        let framing = HTTPRequest.Framing(rawValue: Int32(operation.sourceLength ?? 0)) ?? .whole
        let response = try await operation.send(
            HTTPRequest(method: "GET", url: "https://sample.example/embed", framing: framing, isIdempotent: true)
        )
        return .bytes(try await response.body(limit: 10))
    }

    private func create(_ operation: Operation) async throws(Failure) -> OperationResult {
        let response = try await operation.send(HTTPRequest(method: "POST", url: "https://sample.example/files"))
        let id = String(decoding: try await response.body(), as: UTF8.self)
        try operation.remember(id: id)
        do {
            try await operation.wait(milliseconds: 1)
        } catch {
            // What the client no longer wants is not kept.
            try operation.forget(id: id)
            throw error
        }
        return .json(["id": .string(id)])
    }

    /// Tells what each line says, and asks once more than there are lines.
    private func pullLines(_ operation: Operation) async throws(Failure) -> OperationResult {
        var lines: [JSON] = []
        while let line = try await operation.nextLine() {
            let places = line.references.map { "\($0.kind.rawValue) \($0.range) \($0.clientID)>\($0.upstreamID)" }
            lines.append(.string("\(String(decoding: line.bytes, as: UTF8.self)) \(places)"))
            if lines.count == 1 { try await operation.wait(milliseconds: 1) }
        }
        guard try await operation.nextLine() == nil else { throw Failure(.internalError, "The source has no end.") }
        return .json(.array(lines))
    }

    private func content(_ operation: Operation) async throws(Failure) -> OperationResult {
        let response = try await operation.send(
            HTTPRequest(method: "GET", url: "https://sample.example/content", framing: .raw)
        )
        try await response.pipe(headers: [Header("X-Sample", "1")])
        return .done
    }

    /// Does what an adapter must not do.
    private func readLate(_ operation: Operation) async throws(Failure) -> OperationResult {
        let response = try await operation.send(
            HTTPRequest(method: "GET", url: "https://sample.example/", framing: .raw)
        )
        if operation.isStreaming {
            try await operation.wait(milliseconds: 1)
            return .bytes(try await response.body())
        }
        return .json(try operation.inputJSON())
    }

    private func twoRequests(_ operation: Operation) async throws(Failure) -> OperationResult {
        let first = try await operation.send(HTTPRequest(method: "GET", url: "https://sample.example/1", framing: .raw))
        let second = try await operation.send(
            HTTPRequest(method: "GET", url: "https://sample.example/2", framing: .raw)
        )
        let body = try await second.body()
        do { _ = try await first.next() } catch { return .bytes(body) }
        return .done
    }
}
