import CGantryPlugin
import CSandbox
import Dispatch
import Glibc
import HostFunctions
import HostPluginABI
import Synchronization

/// What a worker's plugin asks of the host.
protocol WorkerServices: Sendable {
    /// Answers a call with a RETURN.
    func answer(_ call: CallMessage) -> OutgoingMessage

    /// Writes a line of the log; the arguments are those of `gantry_host.log`.
    func log(_ level: UInt32, _ message: gantry_slice, _ fields: UnsafePointer<gantry_pair>?, _ count: Int)
}

/// One process that hosts a plugin in a sandbox.
///
/// Asking it waits for the answer, for 20 s at most, so nothing here but ``kill()`` is for an event loop. A worker that
/// did not answer as it should is killed. The process ends with this object, or with the host.
final class WorkerProcess: Sendable {
    /// How long the end of a process is waited for that has closed its sockets or was killed.
    private static let longestEnd = DispatchTimeInterval.seconds(5)
    /// One for each stage of the sandbox, on top of those that a worker inherits, such as a container's.
    private static let sealingFilters = gantry_sandbox_own_filters() + 2

    private let reaper: WorkerReaper
    private let control: WorkerControl
    private let data: Mutex<[Int32]>
    private let lifeline: Int32

    /// The number of the process.
    var identifier: pid_t { reaper.process }

    /// Starts a worker; it has opened nothing yet.
    ///
    /// - Parameters:
    ///   - executable: The path of `gantry-worker`.
    ///   - dataSockets: How many data sockets it gets.
    /// - Throws: ``WorkerProcessError`` with `.cannotStart`.
    init(executable: String, dataSockets: Int) throws(WorkerProcessError) {
        precondition((0...WorkerProtocol.maximumDataSockets).contains(dataSockets))
        let launch = try WorkerLaunch(executable: executable, dataSockets: dataSockets)
        lifeline = launch.lifeline
        control = WorkerControl(descriptor: launch.control)
        data = Mutex(launch.data)
        do throws(WorkerProcessError) {
            reaper = try WorkerReaper(launch.process, output: launch.output)
        } catch {
            // The control socket is closed with its object.
            close(launch.lifeline)
            for descriptor in launch.data { close(descriptor) }
            throw error
        }
    }

    deinit {
        reaper.kill()
        close(lifeline)
        for descriptor in takeDataSockets() { close(descriptor) }
    }

    /// Ends the process; returns at once.
    func kill() { reaper.kill() }

    /// How the process ended; nil while it lives.
    var ending: WorkerEnding? { reaper.ending }

    /// How the process ended, which it is about to do; nil if it has not after some seconds.
    func waitForEnding() -> WorkerEnding? { reaper.ending(within: Self.longestEnd) }

    /// The host's ends of the data sockets, non-blocking; they belong to the caller from now on.
    func takeDataSockets() -> [Int32] {
        data.withLock { data in
            var taken: [Int32] = []
            swap(&taken, &data)
            return taken
        }
    }

    // MARK: Questions

    /// Has it enter the first stage of its sandbox and open a library.
    ///
    /// - Parameter message: What to open.
    /// - Returns: What the library says of itself.
    /// - Throws: ``RefusedMessage`` or ``WorkerProcessError``, as the other questions.
    func load(_ message: LoadMessage) throws -> FactsMessage {
        try ask(message.message(), nil, expect: .facts) { body throws(WireError) in try FactsMessage(body) }
    }

    /// Has it make the plugin's instance of the JSON of its configuration.
    func makeInstance(_ configuration: [UInt8], _ services: any WorkerServices) throws {
        try command(BytesMessage.message(.instance, configuration), services)
    }

    /// Has it make a target of the JSON of a deployment's parameters.
    func makeTarget(_ number: UInt32, _ parameters: [UInt8], _ services: any WorkerServices) throws {
        try command(TargetMessage.message(number: number, parameters: parameters), services)
    }

    /// Has it free a target; its operations have been freed, or will be by what is on their way already.
    func freeTarget(_ number: UInt32, _ services: any WorkerServices) throws {
        try command(TargetMessage.freeMessage(number: number), services)
    }

    /// Has it give up everything that serving does not need, and asks the kernel whether it has.
    func seal() throws -> SealedMessage {
        let sealed = try ask(OutgoingMessage(.seal), nil, expect: .sealed) { body throws(WireError) in
            try SealedMessage(body)
        }
        // Code of the plugin runs before this: it could answer in the worker's place. -1: the kernel does not tell.
        guard gantry_sandbox_is_sealed(identifier, Self.sealingFilters) != 0 else {
            kill()
            throw WorkerProcessError(.notSealed, "it reports a sandbox that the kernel does not know of")
        }
        return sealed
    }

    /// Opens a library in a worker, only to hear what it says of itself.
    ///
    /// - Parameters:
    ///   - path: A private copy that nobody can change.
    ///   - executable: The path of `gantry-worker`.
    ///   - memoryLimitInBytes: The most memory that the worker may map.
    /// - Returns: What the library says.
    /// - Throws: ``RefusedMessage`` if it cannot be opened; ``WorkerProcessError`` if the worker did not answer.
    static func inspect(_ path: String, executable: String, memoryLimitInBytes: UInt64) throws -> FactsMessage {
        let worker = try WorkerProcess(executable: executable, dataSockets: 0)
        defer { worker.kill() }
        return try worker.load(LoadMessage(path: path, dataSockets: 0, memoryLimitInBytes: memoryLimitInBytes))
    }

    /// Has it put a library through a rule of the ABI.
    ///
    /// - Parameters:
    ///   - message: What to check.
    ///   - services: Hears where the check is.
    ///   - limit: How long it may take.
    /// - Returns: What the checker found, as it encodes that.
    /// - Throws: ``RefusedMessage`` or ``WorkerProcessError``, as the other questions.
    func check(_ message: CheckMessage, _ services: any WorkerServices, within limit: Duration) throws -> [UInt8] {
        try ask(message.message(), services, expect: .checked, within: limit) { body throws(WireError) in
            Array(try BytesMessage.read(body))
        }
    }

    /// Has it call a plain function.
    ///
    /// - Parameter request: One of the functions that it was told of when it loaded, and the arguments.
    /// - Returns: What came of it; the worker is not trusted to have told the truth, but it is no more than it may be.
    /// - Throws: ``RefusedMessage`` or ``WorkerProcessError``, as the other questions.
    func call(_ request: FunctionRequest) throws -> FunctionReply {
        let message = BytesMessage.message(.function, request.encoded)
        return try ask(message, nil, expect: .result) { body throws(WireError) in
            try FunctionReply(decoding: try BytesMessage.read(body), limit: request.limit)
        }
    }

    private func command(_ message: OutgoingMessage, _ services: any WorkerServices) throws {
        try ask(message, services, expect: .done) { body throws(WireError) in try WireReader(body).end() }
    }

    private func ask<R: Sendable>(
        _ question: OutgoingMessage,
        _ services: (any WorkerServices)?,
        expect expected: WorkerProtocol.Kind,
        within limit: Duration = WorkerControl.patience,
        _ read: (UnsafeRawBufferPointer) throws(WireError) -> R
    ) throws -> R {
        do {
            return try control.ask(question, services, expect: expected, within: limit, read)
        } catch let error as WorkerProcessError {
            // Whatever it does next would be the answer to something else.
            kill()
            guard error.code == .ended, let ending = waitForEnding() else { throw error }
            throw WorkerProcessError(.ended, "it \(ending.text)")
        }
    }
}
