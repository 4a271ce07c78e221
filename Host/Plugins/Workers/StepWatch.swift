import Glibc

/// Finds the worker whose step does not end, by looking now and then.
///
/// What counts is the time that the worker itself has computed since it last ended a step: a machine that stood still or
/// is busy with other things makes no worker guilty. One that sleeps within a step is given ten times as long, of which
/// only the time counts in which the looks came as often as they should.
struct StepWatch: Sendable {
    /// What a look finds.
    enum Finding: Equatable, Sendable {
        case fine
        /// It has computed for longer than it may.
        case computesTooLong
        /// It has done nothing for so long that it should be asked whether it sleeps.
        case doesNothing
    }

    /// A sleeping step is given so many times the limit.
    static let patience = 10

    let limit: Duration
    /// How often to look while a step runs.
    let interval: Duration

    private var progress: UInt64?
    private var computed: Duration = .zero
    private var waited: Duration = .zero
    private var lastLook: ContinuousClock.Instant?

    /// Makes a watch for steps that may take this long.
    init(limit: Duration) {
        self.limit = limit
        interval = min(max(limit / 2, .milliseconds(5)), .seconds(1))
    }

    /// Makes a watch for the steps of one of a worker's sockets, which take turns.
    ///
    /// A worker whose other steps end may still keep these back. An honest one does a step of each other socket before
    /// one of this, and what it is asked on the control socket; none of that takes longer than a step may.
    ///
    /// - Parameters:
    ///   - sockets: How many sockets with steps the worker has.
    ///   - watch: The watch over all of the worker's steps, at whose looks this one looks too.
    init(oneOf sockets: Int, beside watch: StepWatch) {
        limit = watch.limit * (sockets + 1)
        interval = watch.interval
    }

    /// Looks.
    ///
    /// - Parameters:
    ///   - progress: A number that changes whenever a step that is watched has ended.
    ///   - computed: How much the worker has computed in its life; nil if that cannot be told.
    ///   - isWaitingForHost: Whether the host owes the worker an answer.
    ///   - now: The time.
    /// - Returns: What to do.
    mutating func look(
        progress: UInt64,
        computed: Duration?,
        isWaitingForHost: Bool,
        at now: ContinuousClock.Instant
    ) -> Finding {
        let pause = lastLook.map { min($0.duration(to: now), interval * 2) } ?? .zero
        lastLook = now
        guard progress == self.progress, let computed else {
            (self.progress, self.computed, waited) = (progress, computed ?? self.computed, .zero)
            return .fine
        }
        if computed - self.computed >= limit { return .computesTooLong }
        if !isWaitingForHost { waited += pause }
        return waited >= limit * Self.patience ? .doesNothing : .fine
    }

    /// Nothing runs: the next step is watched from its own beginning.
    mutating func rest() { (progress, lastLook, waited) = (nil, nil, .zero) }
}

/// What the system tells of another process.
enum ProcessLook {
    /// How much a process has computed in its life; nil if it is gone.
    static func computed(_ process: pid_t) -> Duration? {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else { return nil }
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Whether a process waits for something; one that was stopped or wants a processor does not.
    static func isAsleep(_ process: pid_t) -> Bool {
        guard let file = fopen("/proc/\(process)/stat", "re") else { return true }
        defer { fclose(file) }
        var line = [UInt8](repeating: 0, count: 512)
        let count = fread(&line, 1, line.count, file)
        // The state follows the name, which is in parentheses and may have some of its own.
        guard let end = line[..<count].lastIndex(of: UInt8(ascii: ")")), end + 2 < count else { return true }
        return line[end + 2] == UInt8(ascii: "S") || line[end + 2] == UInt8(ascii: "D")
    }
}
