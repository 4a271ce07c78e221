import Histogram
import NIOCore
import NIOPosix

/// What can be wrong with an answer.
enum LoadProblem: String, Codable {
    case connect, closed, status, length, tail
    case protocolError = "protocol"
}

/// One load: keeps the time, hands what is due to idle connections, and counts.
///
/// Everything happens on one event loop. A request whose time has come while every connection is busy waits, and the
/// wait is part of its latency: a server that stalls is charged with all that it should have answered meanwhile.
final class LoadRun {
    /// Nanoseconds; three digits of each.
    typealias Latencies = Histogram<UInt64>

    private static let mostErrors = 100

    private let plan: LoadPlan
    private let loop: NIOIsolatedEventLoop
    private let promise: EventLoopPromise<LoadReport>.Isolated

    private var idle: [LoadConnection] = []
    private var open: [ObjectIdentifier: LoadConnection] = [:]
    private var start = NIODeadline.distantFuture
    private var sent = 0
    private var answered = 0
    private var isOver = false
    private var isTimerSet = false
    private var end = NIODeadline.distantFuture
    private var cpuAtStart = 0.0
    private var counts = LoadReport.Counts()
    private var latencies = LoadRun.empty()
    private var firstBytes = LoadRun.empty()
    private var lateness = LoadRun.empty()

    init(_ plan: LoadPlan, loop: NIOIsolatedEventLoop, promise: EventLoopPromise<LoadReport>.Isolated) {
        self.plan = plan
        self.loop = loop
        self.promise = promise
    }

    private static func empty() -> Latencies {
        Latencies(lowestDiscernibleValue: 256, highestTrackableValue: 600_000_000_000)
    }

    /// Opens the connections; the load begins when the last of them is there.
    func begin() {
        connect(plan.connections)
    }

    private func connect(_ count: Int) {
        guard count > 0, !isOver else { return }
        let bound = NIOLoopBound(self, eventLoop: loop.nonisolated())
        ClientBootstrap(group: loop.nonisolated())
            .connectTimeout(.seconds(10))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let run = bound.value
                    let connection = LoadConnection(run: run, plan: run.plan)
                    run.open[ObjectIdentifier(connection)] = connection
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .connect(to: plan.address)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                // One after the other, so that two thousand do not overrun the server's backlog.
                case .success: self.connect(count - 1)
                case .failure: self.failed(.connect)
                }
            }
    }

    // MARK: - What connections tell

    func isIdle(_ connection: LoadConnection) {
        guard !isOver else { return connection.close() }
        idle.append(connection)
        if start == .distantFuture {
            if idle.count == plan.connections { startClock() }
        } else {
            sendWhatIsDue()
        }
    }

    func received(due: NIODeadline, firstByte: NIODeadline?, bytes: Int) {
        answered += 1
        counts.answered += 1
        if due >= measuredFrom {
            let now = NIODeadline.now()
            _ = latencies.record(Self.nanoseconds(now - due))
            if let firstByte { _ = firstBytes.record(Self.nanoseconds(firstByte - due)) }
            counts.requests += 1
            if now < end { counts.inTime += 1 }
            counts.bytesReceived += bytes
        }
        finishIfDone()
    }

    func failed(_ problem: LoadProblem, status: Int = 0) {
        // What the generator itself breaks off at the end counts as unfinished: nobody has closed it.
        guard !isOver else { return }
        answered += 1
        let name = status == 0 ? problem.rawValue : "\(problem.rawValue) \(status)"
        counts.errors[name, default: 0] += 1
        if problem == .connect || counts.errors.values.reduce(0, +) >= Self.mostErrors { finish() }
        finishIfDone()
    }

    func closed(_ connection: LoadConnection) {
        open[ObjectIdentifier(connection)] = nil
        idle.removeAll { $0 === connection }
        guard !isOver else { return }
        counts.reconnects += 1
        connect(1)
    }

    // MARK: - Time

    private var measuredFrom: NIODeadline { start + plan.warmUp }

    private func startClock() {
        start = .now()
        end = start + plan.warmUp + plan.duration
        cpuAtStart = ProcessorTime.now()
        loop.scheduleTask(deadline: measuredFrom) {
            self.cpuAtStart = ProcessorTime.now()
            self.noteLateness(self.measuredFrom)
        }
        loop.scheduleTask(deadline: end) { self.stopSending() }
        sendWhatIsDue()
    }

    private func sendWhatIsDue() {
        while sent < plan.requestLimit, !idle.isEmpty {
            let now = NIODeadline.now()
            guard now < end || isOpenLoop, let due = nextDue(now), due < end else { return }
            guard due <= now else { return setTimer(due) }
            sent += 1
            // The last that came is the one whose memory is still warm; a waiting one has no reason to go first.
            idle.removeLast().send(due: due)
        }
    }

    private var isOpenLoop: Bool {
        if case .open = plan.pace { true } else { false }
    }

    private func nextDue(_ now: NIODeadline) -> NIODeadline? {
        guard case .open(let rate) = plan.pace else { return now }
        return start + .nanoseconds(Int64(Double(sent) * 1e9 / rate))
    }

    private func setTimer(_ due: NIODeadline) {
        guard !isTimerSet else { return }
        isTimerSet = true
        loop.scheduleTask(deadline: due) {
            self.isTimerSet = false
            // A connection was idle, so nothing but the generator itself can have been in the way.
            if due >= self.measuredFrom { self.noteLateness(due) }
            self.sendWhatIsDue()
        }
    }

    /// The schedule has ended: what was due before may still be sent and answered for a while.
    private func stopSending() {
        noteLateness(end)
        takeProcessorTime()
        loop.scheduleTask(in: plan.drain) { self.finish() }
        finishIfDone()
    }

    private var dueInAll: Int {
        guard case .open(let rate) = plan.pace else { return sent }
        let seconds = Double((plan.warmUp + plan.duration).nanoseconds) / 1e9
        return min(plan.requestLimit, Int((seconds * rate).rounded(.up)))
    }

    private func finishIfDone() {
        let hasEnded = NIODeadline.now() >= end || sent >= plan.requestLimit
        if hasEnded, answered >= dueInAll { finish() }
    }

    private func finish() {
        guard !isOver else { return }
        isOver = true
        counts.unfinished = max(0, dueInAll - answered)
        takeProcessorTime()
        end = min(end, .now())
        for connection in open.values { connection.close() }
        let nanoseconds = start == .distantFuture ? 0 : max(1, (end - measuredFrom).nanoseconds)
        promise.succeed(
            LoadReport(
                counts: counts,
                seconds: Double(nanoseconds) / 1e9,
                latencies: latencies,
                firstBytes: firstBytes,
                lateness: lateness
            )
        )
    }

    /// Once: at the end of the schedule, or where all is done before.
    private func takeProcessorTime() {
        guard counts.cpu == nil else { return }
        counts.cpu = ProcessorTime.now() - cpuAtStart
    }

    private func noteLateness(_ due: NIODeadline) {
        _ = lateness.record(Self.nanoseconds(NIODeadline.now() - due))
    }

    private static func nanoseconds(_ amount: TimeAmount) -> UInt64 { UInt64(max(0, amount.nanoseconds)) }
}
