import CSandbox
import Glibc
import HostPluginABI

/// Starts the executable of a worker with the descriptors of ``WorkerProtocol`` and nothing else of this process.
struct WorkerLaunch {
    /// How long a worker waits for the host to take a packet.
    private static let sendTimeoutInSeconds = 30
    private static let environment = ["SWIFT_BACKTRACE=enable=no"]

    private(set) var process: pid_t = 0
    /// The host's ends; they belong to whoever made this.
    private(set) var control: Int32 = -1
    private(set) var data: [Int32] = []
    private(set) var output: Int32 = -1
    /// Held open while the worker shall live, and never written to.
    private(set) var lifeline: Int32 = -1

    /// The worker's ends, in the order of their numbers there; closed here when it has them.
    private var given: [Int32] = []

    /// Starts a worker.
    ///
    /// - Parameters:
    ///   - executable: The path of `gantry-worker`.
    ///   - dataSockets: How many data sockets it gets.
    /// - Throws: ``WorkerProcessError`` with `.cannotStart`; nothing is left open then.
    init(executable: String, dataSockets: Int) throws(WorkerProcessError) {
        do throws(WorkerProcessError) {
            // Above the numbers that the worker has, so that none is overwritten before it is given.
            let above = WorkerProtocol.firstDataDescriptor + Int32(dataSockets)
            let (lifelineReading, lifelineWriting) = try Self.pipe()
            lifeline = lifelineWriting
            try give(lifelineReading, above)
            let (outputReading, outputWriting) = try Self.pipe()
            output = outputReading
            try give(outputWriting, above)
            // Whoever prints faster than is read loses some of it, and is not stopped.
            try Self.setNonBlocking(given[1])
            control = try addSocket(above)
            for _ in 0..<dataSockets {
                data.append(try addSocket(above))
                try Self.setNonBlocking(data[data.count - 1])
            }
            process = try spawn(executable)
        } catch {
            closeAll()
            throw error
        }
        for descriptor in given { close(descriptor) }
        given = []
    }

    /// Closes everything that is still open.
    private func closeAll() {
        for descriptor in given + data + [control, output, lifeline] where descriptor >= 0 { close(descriptor) }
    }

    private mutating func addSocket(_ above: Int32) throws(WorkerProcessError) -> Int32 {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw Self.failure("socketpair") }
        var patience = timeval(tv_sec: Self.sendTimeoutInSeconds, tv_usec: 0)
        let length = socklen_t(MemoryLayout<timeval>.size)
        guard setsockopt(ends[1], SOL_SOCKET, SO_SNDTIMEO, &patience, length) == 0 else {
            let failure = Self.failure("setsockopt")
            close(ends[0])
            close(ends[1])
            throw failure
        }
        do throws(WorkerProcessError) {
            try give(ends[1], above)
        } catch {
            close(ends[0])
            throw error
        }
        return ends[0]
    }

    /// Takes an end for the worker.
    private mutating func give(_ descriptor: Int32, _ above: Int32) throws(WorkerProcessError) {
        let moved = fcntl(descriptor, F_DUPFD_CLOEXEC, above)
        let failure = Self.failure("fcntl")
        close(descriptor)
        guard moved >= 0 else { throw failure }
        given.append(moved)
    }

    private func spawn(_ executable: String) throws(WorkerProcessError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        // given: lifeline, output, control, data...
        let sources = [given[0], given[1], given[1]] + given[2...]
        for (number, source) in sources.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, source, Int32(number))
        }
        gantry_spawn_close_from(&actions, Int32(sources.count))
        var (all, none) = (sigset_t(), sigset_t())
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        // Its own group: a terminal's Ctrl-C is for the host, which ends its workers itself.
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var process: pid_t = 0
        let failure = Self.withCStrings([executable]) { arguments in
            Self.withCStrings(Self.environment) { environment in
                posix_spawn(&process, executable, &actions, &attributes, arguments, environment)
            }
        }
        guard failure == 0 else {
            throw WorkerProcessError(.cannotStart, "\(executable): \(String(cString: strerror(failure)))")
        }
        return process
    }

    private static func pipe() throws(WorkerProcessError) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard gantry_pipe(&ends) == 0 else { throw failure("pipe2") }
        return (ends[0], ends[1])
    }

    private static func setNonBlocking(_ descriptor: Int32) throws(WorkerProcessError) {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else { throw failure("fcntl") }
    }

    private static func failure(_ call: String) -> WorkerProcessError {
        WorkerProcessError(.cannotStart, "\(call): \(systemMessage())")
    }

    private static func withCStrings<R>(
        _ texts: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return (copies + [nil]).withUnsafeBufferPointer { pointers in
            // There is always the nil at the end, so that there is an address.
            pointers.baseAddress.map(body) ?? body([nil])
        }
    }
}
