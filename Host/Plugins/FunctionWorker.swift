import HostFunctions
import HostPluginABI
import Synchronization

/// Calls plain functions in a sandboxed process of its own, which is started for the first call and again after an end.
///
/// It is none of the workers that serve requests: a function that hangs or crashes hurts nobody but its caller, and what
/// its library remembers between calls is not what the hooks' copy of it remembers.
package final class FunctionWorker: Sendable {
    /// One call on its way, which can be given up from any thread.
    final class Ticket: Sendable {
        private enum State {
            case waiting
            case running(WorkerProcess)
            case givenUp
        }

        private let state = Mutex(State.waiting)

        /// Gives the call up: the process that works on it is killed, and if it waits it is not begun.
        func giveUp() {
            state.withLock { state in
                if case .running(let process) = state { process.kill() }
                state = .givenUp
            }
        }

        /// Whether the call is still wanted; the process that works on it is known from now on.
        fileprivate func begin(_ process: WorkerProcess) -> Bool {
            state.withLock { state in
                guard case .waiting = state else { return false }
                state = .running(process)
                return true
            }
        }

        /// The process may be used for another call.
        fileprivate func end() {
            state.withLock { state in
                if case .running = state { state = .waiting }
            }
        }
    }

    private let plan: FunctionPlan
    private let executable: String
    private let memoryLimitInBytes: UInt64
    // Held for the whole of a call: a worker has one at a time.
    private let process = Mutex<WorkerProcess?>(nil)

    /// Describes a worker; none is started before the first call.
    ///
    /// - Parameters:
    ///   - plan: The private copy of the library, and its functions.
    ///   - executable: The path of `gantry-worker`.
    ///   - memoryLimitInBytes: The most memory that the worker may map.
    package init(_ plan: FunctionPlan, executable: String, memoryLimitInBytes: UInt64) {
        self.plan = plan
        self.executable = executable
        self.memoryLimitInBytes = memoryLimitInBytes
    }

    /// Calls a function and waits for its end; not for an event loop.
    ///
    /// - Parameters:
    ///   - name: One of the plan's functions.
    ///   - arguments: One for each argument but `out`.
    ///   - limit: The most bytes of the answer.
    /// - Returns: What the function gave.
    /// - Throws: ``FunctionCallError``.
    package func call(
        _ name: String,
        _ arguments: [FunctionArgument],
        limit: Int
    ) throws(FunctionCallError) -> FunctionAnswer {
        try call(name, arguments, limit: limit, ticket: Ticket())
    }

    func call(
        _ name: String,
        _ arguments: [FunctionArgument],
        limit: Int,
        ticket: Ticket
    ) throws(FunctionCallError) -> FunctionAnswer {
        let request = FunctionRequest(name: name, arguments: arguments, limit: limit)
        let reply = process.withLock { process in
            Result { () throws(FunctionCallError) in try self.ask(request, &process, ticket) }
        }
        switch try reply.get() {
        case .answer(let answer): return answer
        case .failure(let error): throw FunctionCallError(error)
        }
    }

    private func ask(
        _ request: FunctionRequest,
        _ process: inout WorkerProcess?,
        _ ticket: Ticket
    ) throws(FunctionCallError) -> FunctionReply {
        do {
            let worker = try process ?? start()
            process = worker
            guard ticket.begin(worker) else { throw FunctionCallError(.timedOut, "The call was given up.") }
            defer { ticket.end() }
            return try worker.call(request)
        } catch let error as FunctionCallError {
            throw error
        } catch let error as RefusedMessage {
            process = nil
            throw FunctionCallError(.failed, error.message)
        } catch {
            // A worker that did not answer as it should has been killed.
            process = nil
            throw FunctionCallError(.failed, "The worker of \(plan.name) has failed at \(request.name): \(error).")
        }
    }

    private func start() throws -> WorkerProcess {
        let worker = try WorkerProcess(executable: executable, dataSockets: 0)
        _ = try worker.load(
            LoadMessage(
                path: "",
                dataSockets: 0,
                memoryLimitInBytes: memoryLimitInBytes,
                bindings: plan.encoded,
                folders: [plan.folder]
            )
        )
        _ = try worker.seal()
        return worker
    }
}

extension FunctionCallError {
    /// What a call that came back without a result says.
    init(_ error: FunctionError) {
        self.init(error.code == .badArgument ? .badArgument : .failed, error.message, argument: error.argument)
    }
}

extension FunctionWorker {
    /// Checks and copies a library that no manifest names, and describes a worker for its functions.
    ///
    /// - Parameters:
    ///   - library: The library's path.
    ///   - functions: What is bound.
    ///   - runDirectory: Where the private copy is put.
    ///   - executable: The path of `gantry-worker`.
    ///   - memoryLimitInBytes: The most memory that the worker may map.
    /// - Throws: ``PluginError`` with `.libraryRefused`.
    package convenience init(
        library: String,
        functions: FunctionBindings,
        runDirectory: String,
        executable: String,
        memoryLimitInBytes: UInt64
    ) throws(PluginError) {
        let file = try LibraryFile(library)
        try file.checkFunctions(functions)
        let copy = try PluginImage.store(file.bytes, sha256: file.sha256, runDirectory: runDirectory)
        self.init(
            FunctionPlan(path: copy, name: library, bindings: functions),
            executable: executable,
            memoryLimitInBytes: memoryLimitInBytes
        )
    }
}

extension LibraryFile {
    /// Reads a file that is no library.
    ///
    /// - Parameters:
    ///   - path: A regular file.
    ///   - limit: The most bytes.
    /// - Returns: The bytes.
    /// - Throws: ``PluginError`` with `.libraryRefused`.
    package static func bytes(ofFile path: String, atMost limit: Int) throws(PluginError) -> [UInt8] {
        do throws(RegularFile.Failure) {
            return try RegularFile.read(path, atMost: limit)
        } catch {
            throw PluginError(.libraryRefused, "\(path): \(error.reason).")
        }
    }
}
