import CGantryPlugin

/// One operation at the boundary: turns events into resumptions of its task, and what the task asks into commands.
///
/// It is the executor of the task, and runs it only inside of ``step(_:_:)`` and ``end()``, on the calling thread.
///
/// `@unchecked Sendable`: the ABI never enters an operation twice at once, every member but the queue, which has a
/// lock, is touched only by the entered call and the jobs it drains, and a task's jobs run one after another.
final class OperationState: TaskExecutor, @unchecked Sendable {
    private enum Phase {
        case fresh
        case running
        case over
    }

    /// What a task does.
    private enum Work {
        case perform(Operation)
        case explain(HTTPResponse, Relay.Refusal)
    }

    let kind: OperationKind
    /// Whether something has been given to the client, so that a repetition would be visible.
    var clientHasBytes = false
    /// Whether the source has no more lines.
    var sourceHasEnded = false

    private let target: TargetBox
    private let jobs = JobQueue()
    private var phase = Phase.fresh

    /// The event being delivered; what it lends ends with the step.
    private var event = gantry_event()
    private var inputIsLent = false
    private var sink: UnsafePointer<gantry_sink>?
    private var stepStatus = Status.ok

    /// What the task does that has not begun yet.
    private var work: Work?
    private var awaited: EventSet = []
    private var continuation: UnsafeContinuation<Void, Never>?
    /// Why every await throws from now on.
    private var ending: Failure?
    /// The status with which the host has forbidden everything else.
    private var finalRefusal: gantry_status?

    private var relay: (phase: RelayPhase, Relay)?
    private var outstandingRequest: UInt32 = 0
    private var lastRequest: UInt32 = 0
    private var responseWasMissed = false

    init(kind: OperationKind, target: TargetBox) {
        self.kind = kind
        self.target = target
    }

    // MARK: The host's side

    func step(_ event: UnsafePointer<gantry_event>, _ sink: UnsafePointer<gantry_sink>) -> gantry_status {
        guard phase != .over else { return Status.ok }
        let event = gantry_event.copy(event)
        guard let kind = EventKind(rawValue: event.kind) else { return Status.ok }
        self.sink = sink
        stepStatus = Status.ok
        let status = deliver(kind, event)
        drain(closing: false)
        self.sink = nil
        inputIsLent = false
        return status == Status.ok ? stepStatus : status
    }

    /// Ends the task without a word to the host.
    func end() {
        phase = .over
        relay = nil
        ending = Failure(.cancelled, "The operation was dropped.")
        resume()
        drain(closing: true)
    }

    private func deliver(_ kind: EventKind, _ event: gantry_event) -> gantry_status {
        switch kind {
        case .start:
            guard phase == .fresh else { return Status.state }
            phase = .running
            self.event = event
            inputIsLent = true
            begin()
        case .cancel:
            let ending = Failure(.cancelled, "The client is gone.")
            self.ending = ending
            if phase == .fresh || relay != nil { finish(.failure(ending)) } else { resume() }
        case .head, .data, .end, .failed:
            guard outstandingRequest != 0, event.request == outstandingRequest else { return Status.ok }
            if kind == .end || kind == .failed { outstandingRequest = 0 }
            if let relay {
                goOn(relay.phase, relay.1, kind, event)
            } else if awaited.contains(EventSet(kind)) {
                resume(with: event)
            } else {
                responseWasMissed = true
            }
        case .timer, .token, .source, .sourceEnd:
            if awaited.contains(EventSet(kind)) { resume(with: event) }
        }
        return Status.ok
    }

    private func resume(with event: gantry_event = gantry_event()) {
        guard let continuation else { return }
        self.event = event
        self.continuation = nil
        continuation.resume()
    }

    private func drain(closing: Bool) {
        while let job = jobs.next(closing: closing) { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if !jobs.add(job) { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    // MARK: The operation

    private func begin() {
        do throws(Failure) {
            let operation = Operation(state: self, start: try StartEvent(event))
            if let relay = try target.relay(operation) {
                _ = try open(relay.request)
                self.relay = (.awaitsHead, relay)
            } else {
                start(.perform(operation))
            }
        } catch {
            finish(.failure(error))
        }
    }

    private func start(_ work: Work) {
        self.work = work
        Task(executorPreference: self) { await self.run() }
    }

    private func run() async {
        do throws(Failure) {
            switch work.take() {
            case .perform(let operation): finish(.success(try await target.perform(operation)))
            case .explain(let response, let refusal): finish(.failure(try await refusal(response)))
            case nil: break
            }
        } catch {
            finish(.failure(error))
        }
    }

    /// Goes on with a relay when something has come of its response.
    private func goOn(_ phase: RelayPhase, _ relay: Relay, _ kind: EventKind, _ event: gantry_event) {
        do throws(Failure) {
            switch (phase, kind) {
            case (_, .failed): throw networkFailure(event, mayRepeat: relay.request.allowsRetry)
            case (.awaitsHead, .end): throw Failure.headless
            case (.pipes, .end): finish(.success(.done))
            case (.awaitsHead, .head) where (200..<300).contains(event.code):
                try pipe(lastRequest, headers: [])
                self.relay = (.pipes, relay)
            case (.awaitsHead, .head):
                self.relay = nil
                let response = HTTPResponse(state: self, id: lastRequest, request: relay.request, head: event)
                start(.explain(response, relay.refusal))
            default: responseWasMissed = true
            }
        } catch {
            finish(.failure(error))
        }
    }

    // MARK: The task's side

    /// Waits for one of some events; what it lends is valid until the next await.
    nonisolated(nonsending) func event(_ kinds: EventSet) async throws(Failure) -> gantry_event {
        if let ending { throw ending }
        guard continuation == nil, sink != nil else {
            throw Failure(.internalError, "The plugin awaits two things at once, or something that is not the host's.")
        }
        awaited = kinds
        await withUnsafeContinuation { continuation = $0 }
        awaited = []
        if let ending { throw ending }
        return event
    }

    /// The START event's data while it is lent.
    func input() throws(Failure) -> UnsafeRawBufferPointer {
        guard inputIsLent, sink != nil else {
            throw Failure(.internalError, "The plugin reads its input after the first await.")
        }
        return event.data.buffer
    }

    /// Sends a request under a new id, and aborts one that is not finished.
    func open(_ request: HTTPRequest) throws(Failure) -> UInt32 {
        try abort(outstandingRequest)
        lastRequest = lastRequest == .max ? 1 : lastRequest + 1
        try emit(request, id: lastRequest)
        outstandingRequest = lastRequest
        responseWasMissed = false
        return lastRequest
    }

    /// Drops a request if it is the outstanding one.
    func abort(_ id: UInt32) throws(Failure) {
        guard id != 0, id == outstandingRequest else { return }
        outstandingRequest = 0
        try emit(.abort, request: id)
    }

    /// Checks that the events of a request still come to this operation.
    func checkResponse(_ id: UInt32) throws(Failure) {
        if let ending { throw ending }
        guard id == outstandingRequest, !responseWasMissed else {
            throw Failure(.internalError, "The plugin did something else before it had read a response.")
        }
    }

    /// The failure that fits a FAILED event; repeating is worth it only while the client has seen nothing.
    func networkFailure(_ event: gantry_event, mayRepeat: Bool) -> Failure {
        Failure(network: event, mayRepeat: mayRepeat && !clientHasBytes)
    }

    private func finish(_ outcome: Result<OperationResult, Failure>) {
        guard phase != .over else { return }
        do throws(Failure) {
            try emit(result: try outcome.get())
        } catch {
            emit(error)
        }
        relay = nil
        phase = .over
    }
}

// MARK: - Commands

extension OperationState {
    /// Emits a command that consists of these members.
    func emit(
        _ kind: CommandKind,
        data: [UInt8] = [],
        text: String = "",
        flags: UInt32 = 0,
        request: UInt32 = 0,
        value: UInt64 = 0
    ) throws(Failure) {
        try admit(kind)
        let status = LentPairs.withSlice(of: data) { data in
            LentPairs.withSlice(of: text) { text in
                var command = gantry_command(kind, flags: flags, request: request)
                command.value = value
                command.data = data
                command.text = text
                return send(&command)
            }
        }
        try check(status, kind)
    }

    /// Emits PIPE.
    func pipe(_ id: UInt32, headers: [Header]) throws(Failure) {
        try checkResponse(id)
        try admit(.pipe)
        let status = LentPairs.with(headers) { pairs in
            var command = gantry_command(.pipe, request: id)
            command.pairs = pairs.baseAddress
            command.pair_count = pairs.count
            return send(&command)
        }
        try check(status, .pipe)
        clientHasBytes = true
    }

    private func emit(_ request: HTTPRequest, id: UInt32) throws(Failure) {
        try admit(.http)
        for case .input(let range) in request.body where range.lowerBound < 0 {
            throw Failure(.internalError, "The plugin sends a range that starts before the request.")
        }
        let status = LentPairs.with(request, id: id) { send(&$0) }
        try check(status, .http)
    }

    private func emit(result: OperationResult) throws(Failure) {
        switch result {
        case .json(let value): try emit(.result, data: value.serialized())
        case .bytes(let bytes): try emit(.result, data: bytes)
        case .token(let token, let lifetime): try emit(.result, data: Array(token.utf8), value: lifetime)
        case .done: try emit(.result, data: Self.emptyObject)
        }
    }

    private static let emptyObject = Array("{}".utf8)

    /// Emits ERROR; if the host refuses even that, the step's status says so.
    private func emit(_ failure: Failure) {
        guard finalRefusal == nil, sink != nil else { return }
        let status = LentPairs.withSlice(of: failure.message) { message in
            LentPairs.withSlice(of: failure.parameter ?? "") { parameter in
                var command = gantry_command(.error, flags: failure.flags)
                command.code = failure.reason.rawValue
                command.upstream = UInt32(clamping: failure.upstreamStatus)
                command.value = failure.retryAfterMilliseconds
                command.data = message
                command.text = parameter
                return send(&command)
            }
        }
        if status != Status.ok { stepStatus = status }
    }

    /// Throws if a command cannot be emitted now.
    private func admit(_ kind: CommandKind) throws(Failure) {
        if let ending, sink == nil || !kind.isAllowedAfterCancel { throw ending }
        guard sink != nil else {
            throw Failure(.internalError, "The plugin commands the host outside of a step.")
        }
        if let finalRefusal { throw Failure(refused: kind, finalRefusal) }
    }

    private func send(_ command: inout gantry_command) -> gantry_status {
        guard let sink, let emit = sink.pointee.emit else { return Status.state }
        return emit(sink.pointee.ctx, &command)
    }

    private func check(_ status: gantry_status, _ kind: CommandKind) throws(Failure) {
        guard status != Status.ok else { return }
        if status == Status.limit {
            finalRefusal = status
            stepStatus = status
        }
        throw Failure(refused: kind, status)
    }
}
