import CGantryPlugin
import HostCore
import HostPluginABI
import HostUpstream
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// Runs one operation: feeds events to the plugin's state machine and carries out its commands, on one event loop from
/// the first to the last.
///
/// Commands are carried out in order, and the next event is delivered only when they are done: so a journal entry is
/// written before anything else happens, and a client that does not read stops the plugin and its upstream.
package final class OperationDriver: DeadlineOwner {
    /// Steps that look at more bytes than this run on the thread pool.
    static let heavyStepInBytes = 256 * 1024
    /// As many events may wait before the upstream is told to pause.
    private static let maximumWaitingEvents = 8
    private static let longestWaitInMilliseconds: UInt64 = 60_000
    /// How long after its deadline an operation may still wait for the journal.
    private static let journalGrace = TimeAmount.seconds(10)
    private static let maximumMessageBytes = 4096

    private(set) var request: OperationRequest
    let target: PluginTarget
    let loop: any EventLoop
    let environment: OperationEnvironment
    let client: any OperationClient
    let collector: CommandCollector
    private let deadlines: LoopDeadlines

    private(set) var operation: PluginOperation?
    var events = Queue<OperationEvent>()
    private var commands = Queue<PluginCommand>()
    private var isAdvancing = false
    var isStepping = false
    private var isJournaling = false
    var isPaused = false
    private(set) var isCancelled = false
    private(set) var hasEnded = false
    private var deadline: LoopDeadlines.Place?
    /// Why the operation ends if its journal is not written in time, either.
    private var overdue: OperationFailure?

    // The deployment's gate, see OperationDriver+Gate.swift.
    var place: DeploymentGate.Place?
    var ticket: CircuitBreaker.Ticket?
    var queueTimer: Scheduled<Void>?

    // The outstanding request.
    var exchange: UpstreamExchange?
    var outstanding: UInt32?
    var framer = ResponseFramer(.whole)
    var answer: (status: Int, headers: HTTPHeaders)?
    var isPiping = false
    private var isReading = true

    // The outstanding wait and token.
    private var timer: Scheduled<Void>?
    private var awaitedTokens = 0
    private var latestToken: String?

    /// Makes an operation; call ``start()`` on the same event loop.
    package init(
        _ request: OperationRequest,
        target: PluginTarget,
        loop: any EventLoop,
        environment: OperationEnvironment,
        client: any OperationClient
    ) {
        self.request = request
        self.target = target
        self.loop = loop
        self.environment = environment
        self.client = client
        collector = CommandCollector(heads: target.heads)
        collector.mayPull = request.lines != nil
        deadlines = environment.upstream.deadlines(on: loop)
    }

    /// Begins, or waits until the deployment takes one more; the client's last call may come before this returns.
    ///
    /// - Parameter mayWait: Whether it may wait.
    /// - Returns: False if it would have to wait and may not: nothing was begun, and the client is not called.
    @discardableResult
    package func start(mayWait: Bool = true) -> Bool {
        loop.preconditionInEventLoop()
        guard target.serves(request.kind) else {
            end(.failure(unsupported()))
            return true
        }
        return enterGate(mayWait: mayWait)
    }

    /// Begins what the gate has let in.
    func begin() {
        target.instance.meters.noteOperation()
        switch makeOperation() {
        case .failure(let failure): end(.failure(failure))
        case .success(let operation):
            self.operation = operation
            if case .worker(let operation) = operation { operation.attach(to: self) }
            // It keeps the operation alive, and the operation's end clears it.
            deadline = deadlines.set(in: target.timeout(of: request.kind), for: self)
            events.append(.start)
            advance()
        }
    }

    /// The client is gone: the upstream call is dropped and the plugin told once.
    package func cancel() {
        loop.preconditionInEventLoop()
        guard !hasEnded, !isCancelled else { return }
        isCancelled = true
        guard place == nil else {
            return end(.failure(OperationFailure(.cancelled, "The client went away.")))
        }
        isPaused = false
        dropRequest()
        timer?.cancel()
        timer = nil
        events.removeAll()
        // What a plugin created before it was told is still written down; nothing else is begun.
        commands.removeAll { !$0.survivesCancellation }
        // A plugin that has given its last word hears nothing more, and a step on the pool has the collector.
        if !isStepping { collector.isCancelled = true }
        if isStepping || !collector.hasEnded { events.append(.cancel) }
        advance()
    }

    /// The client cannot take more for now.
    package func pause() {
        isPaused = true
        updateReading()
    }

    /// The client can take more.
    package func resume() {
        guard isPaused else { return }
        isPaused = false
        advance()
    }

    // MARK: The machine

    func advance() {
        guard !isAdvancing else { return }
        isAdvancing = true
        while !hasEnded, !isStepping, !isJournaling {
            if let command = commands.popFirst() {
                execute(command)
            } else if !isPaused, let event = events.popFirst() {
                deliver(event)
            } else {
                break
            }
        }
        isAdvancing = false
        updateReading()
        checkForStall()
    }

    /// A plugin that waits for nothing would wait for ever.
    private func checkForStall() {
        guard !hasEnded, place == nil, !isStepping, !isJournaling, events.isEmpty, commands.isEmpty else { return }
        if isCancelled { return end(.failure(OperationFailure(.cancelled, "The client went away."))) }
        guard outstanding == nil, timer == nil, awaitedTokens == 0 else { return }
        end(.failure(pluginFailure("it waits for nothing and has not ended the operation")))
    }

    private func updateReading() {
        let shouldRead = !isPaused && events.count < Self.maximumWaitingEvents
        guard shouldRead != isReading else { return }
        isReading = shouldRead
        if shouldRead { exchange?.resumeReading() } else { exchange?.pauseReading() }
    }

    private func deliver(_ event: OperationEvent) {
        switch event {
        case .data(_, let bytes, _) where isPiping: return client.operationDidPipe(bytes)
        case .end, .failed: finishRequest()
        case .source: return deliverLines()
        default: break
        }
        switch operation {
        case .local(let operation): step(operation, event)
        case .worker(let operation): step(operation, event)
        case nil: return
        }
    }

    private func step(_ operation: LocalOperation, _ event: OperationEvent) {
        let weight = event.weightInBytes(of: request)
        guard weight > Self.heavyStepInBytes || target.instance.facts.isBlocking else {
            return finishStep(operation.step(event, request, collector))
        }
        let step = HeavyStep(operation: operation, event: event, collector: collector)
        let request = request
        runOnPool { .stepped(step.operation.step(step.event, request, step.collector)) }
    }

    /// Has a thread that may block do the next step.
    func runOnPool(_ work: @escaping @Sendable () -> StepOutcome) {
        isStepping = true
        environment.pool.runIfActive(eventLoop: loop, work)
            .assumeIsolated().whenComplete { outcome in
                self.isStepping = false
                switch outcome {
                case .success(.stepped(let status)): self.finishStep(status)
                case .success where self.hasEnded, .failure where self.hasEnded: self.free()
                case .success(.foundNoLine): self.lookOn()
                case .success(.sourceFailed(let error)): self.failSource(error)
                case .failure: self.fail(OperationFailure(.internalError, "The gateway is shutting down."))
                }
                self.advance()
            }
    }

    func finishStep(_ status: gantry_status) {
        // The operation may have ended while its step ran elsewhere; then only its books and the freeing are left.
        guard !hasEnded else {
            for case .journal(let entry) in collector.take() { _ = client.operationWillJournal(entry) }
            return free()
        }
        collector.move(to: &commands)
        if isCancelled {
            // The client may have gone meanwhile, too.
            collector.isCancelled = true
            commands.removeAll { !$0.survivesCancellation }
        }
        if status != Status.ok { fail(pluginFailure("a step of it returned status \(status)")) }
    }

    // MARK: Commands

    private func execute(_ command: PluginCommand) {
        switch command {
        case .http(let http): send(http)
        case .abort(let id): if id == outstanding { dropRequest() }
        case .pull: events.append(.source)
        case .wait(let milliseconds): wait(milliseconds)
        case .token(let scope, let refresh): requestToken(scope: scope, refresh: refresh)
        case .output(let payload, let event): client.operationDidOutput(payload, event: event)
        case .pipe(let id, let headers): pipe(id, headers)
        case .journal(let entry): journal(entry)
        case .usage(let usage): client.operationDidUse(usage)
        case .result(let result): end(.success(result))
        case .error(let failure): end(.failure(masked(failure)))
        }
    }

    private func journal(_ entry: JournalEntry) {
        guard let written = client.operationWillJournal(entry) else { return }
        isJournaling = true
        written.hop(to: loop).assumeIsolated().whenComplete { outcome in
            self.isJournaling = false
            if case .failure = outcome {
                let message = "The registry could not note what exists at the provider. Try again."
                self.fail(OperationFailure(.journalUnavailable, message, isRetryable: true))
            }
            self.advance()
        }
    }

    private func wait(_ milliseconds: UInt64) {
        let bounded = Int64(clamping: min(milliseconds, Self.longestWaitInMilliseconds))
        timer?.cancel()
        timer = loop.assumeIsolated().scheduleTask(in: .milliseconds(bounded)) {
            self.timer = nil
            self.enqueue(.timer)
        }
    }

    private func requestToken(scope: String, refresh: Bool) {
        // A token that needs a token would wait for itself.
        guard request.kind != .credential else {
            return fail(pluginFailure("it asks for a token in order to make one"))
        }
        awaitedTokens += 1
        let promise = loop.makePromise(of: String.self)
        promise.futureResult.assumeIsolated().whenComplete { outcome in
            self.awaitedTokens -= 1
            if case .success(let token) = outcome { self.latestToken = token }
            self.enqueue(.token(outcome.mapError { Self.failure(of: $0) }))
        }
        switch target.credentials.token(scope: scope, stale: refresh ? latestToken : nil, waiter: promise) {
        case .token(let token): promise.succeed(token)
        case .wait: break
        case .fetch: CredentialFetch.start(scope: scope, target: target, loop: loop, environment: environment)
        }
    }

    private static func failure(of error: any Error) -> OperationFailure {
        error as? OperationFailure ?? OperationFailure(.internalError, "The access token could not be made.")
    }

    func enqueue(_ event: OperationEvent) {
        guard !hasEnded, !isCancelled else { return }
        events.append(event)
        advance()
    }

    // MARK: The outstanding request

    private func send(_ command: HTTPCommand) {
        outstanding = command.request
        framer = ResponseFramer(command.framing)
        (answer, isPiping, isReading) = (nil, false, true)
        let upstreamRequest: UpstreamRequest
        do {
            upstreamRequest = try RequestBuilder(target: target, request: request).build(command)
        } catch {
            switch error {
            case .denied(let detail):
                return enqueue(.failed(request: command.request, code: Net.denied, detail: detail))
            case .invalid(let detail): return fail(pluginFailure(detail))
            }
        }
        exchange = environment.upstream.send(upstreamRequest, on: loop, delegate: self)
        if isPaused {
            isReading = false
            exchange?.pauseReading()
        }
    }

    private func pipe(_ id: UInt32, _ headers: [CommandHeader]) {
        guard id == outstanding, let answer, !isPiping else {
            return fail(pluginFailure("it pipes a response that has not begun"))
        }
        guard framer.isRaw else {
            return fail(pluginFailure("it pipes a response that it did not ask for with GANTRY_FRAME_RAW"))
        }
        guard headers.allSatisfy(\.isWellFormed) else {
            return fail(pluginFailure("it adds a malformed header to a response"))
        }
        isPiping = true
        // Nothing but the rest of this answer can come of the operation any more, and that may take long.
        request.input = ByteBuffer()
        var all = answer.headers
        for header in headers { all.replaceOrAdd(name: header.name, value: header.value) }
        client.operationDidBeginPipe(status: answer.status, headers: all)
    }

    private func finishRequest() {
        exchange = nil
        outstanding = nil
        isPiping = false
        // A step on the pool has the collector; it can only be a cancelled one's or one that has ended.
        if !isStepping { collector.outstanding = nil }
    }

    private func dropRequest() {
        exchange?.cancel()
        finishRequest()
        events.removeAll(where: \.belongsToRequest)
    }

    // MARK: The end

    package func deadlinePassed() {
        deadline = nil
        if let overdue { return end(.failure(overdue)) }
        let seconds = target.timeout(of: request.kind).nanoseconds / 1_000_000_000
        let message = "\(target.deployment.id) did not finish within \(seconds) s."
        let failure = OperationFailure(.upstreamTimeout, message, isRetryable: true, mayFallBack: true)
        fail(failure)
        guard !hasEnded else { return }
        overdue = failure
        deadline = deadlines.set(in: Self.journalGrace, for: self)
    }

    /// Ends the operation, but not before what it created at the provider is written down.
    func fail(_ failure: OperationFailure) {
        guard !hasEnded else { return }
        commands.removeAll { !$0.isJournal }
        guard isJournaling || !commands.isEmpty else { return end(.failure(failure)) }
        dropRequest()
        timer?.cancel()
        events.removeAll()
        commands.append(.error(failure))
    }

    func end(_ outcome: Result<OperationResult, OperationFailure>) {
        guard !hasEnded else { return }
        hasEnded = true
        if case .failure(let failure) = outcome, failure.reason == .pluginFailed {
            target.instance.meters.noteFailure()
        }
        dropRequest()
        if let deadline { deadlines.clear(deadline) }
        deadline = nil
        timer?.cancel()
        commands.removeAll()
        events.removeAll()
        if !isStepping { free() }
        // Whoever tries again from inside the last call finds the place free.
        leaveGate(outcome)
        client.operationDidEnd(outcome)
    }

    func free() {
        guard let operation else { return }
        self.operation = nil
        switch operation {
        case .local(let operation): operation.free()
        case .worker(let operation): operation.free()
        }
    }

    /// Nothing is left of the operation where the plugin's code runs.
    func forgetOperation() { operation = nil }

    private func masked(_ failure: OperationFailure) -> OperationFailure {
        let secrets = target.instance.secrets
        return OperationFailure(
            failure.reason,
            secrets.masked(failure.message).truncated(toBytes: Self.maximumMessageBytes),
            parameter: failure.parameter.map(secrets.masked),
            upstreamStatus: failure.upstreamStatus,
            retryAfter: failure.retryAfter,
            isRetryable: failure.isRetryable,
            mayFallBack: failure.mayFallBack
        )
    }

    func pluginFailure(_ what: String, mayTryAgain: Bool = false) -> OperationFailure {
        target.instance.logger.error(
            "plugin failed",
            metadata: ["plugin.failure": "\(what)", "deployment.id": "\(target.deployment.id)"]
        )
        return OperationFailure(
            .pluginFailed,
            "The plugin \(target.deployment.plugin) failed: \(what).",
            isRetryable: mayTryAgain,
            mayFallBack: mayTryAgain
        )
    }

    func refusedOperation(_ status: gantry_status) -> OperationFailure {
        pluginFailure("it refused the operation with status \(status)")
    }

    private func makeOperation() -> Result<PluginOperation, OperationFailure> {
        target.makeOperation(request.kind, on: loop) { refusedOperation($0) }
    }

    private func unsupported() -> OperationFailure {
        OperationFailure(
            .unsupported,
            "\(target.deployment.modelName) (plugin \(target.deployment.plugin)) does not offer this operation."
        )
    }
}
