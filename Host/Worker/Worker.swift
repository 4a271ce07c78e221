import CGantryPlugin
import Glibc
import HostFunctions
import HostPluginABI

/// What a worker has: one plugin with its instance, targets and operations, and the sockets to the host.
final class Worker {
    /// One target, freed when the host has no more use for it and its last operation is gone.
    struct Target {
        let pointer: OpaquePointer
        var operations = 0
        var isUnwanted = false
    }

    /// One operation.
    struct Operation {
        let pointer: OpaquePointer
        let target: UInt32
    }

    /// What is done, in this order.
    enum Phase: Int {
        case started
        case loaded
        case instanced
        case serving
    }

    let control: HostSocket
    let host: HostTable
    var phase = Phase.started
    var plugin: UnsafePointer<gantry_plugin>?
    var instance: OpaquePointer?
    var targets: [UInt32: Target] = [:]
    var load: LoadMessage?
    /// The plain functions that the plugin or the host may call.
    var functions: FunctionTable?
    var sink = PluginSink(maximumBytes: 1 << 20)
    private var operations: [UInt64: Operation] = [:]
    /// Steps that have begun.
    private var steps: UInt64 = 0
    private var arrays = LentArrays()
    /// Memory of the last answer, for the next.
    private var storage: [UInt8] = []

    init() {
        control = HostSocket(descriptor: WorkerProtocol.controlDescriptor, maximumBytes: 64 << 20)
        host = HostTable(socket: control)
    }

    /// Serves the host until it closes a socket.
    func run() -> Never {
        while phase != .serving { serveControl() }
        let count = Int(load?.dataSockets ?? 0)
        let data = (0..<count).map {
            HostSocket(descriptor: WorkerProtocol.firstDataDescriptor + Int32($0))
        }
        let sockets = [control] + data
        var pollers = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        while true {
            // Those that came while the plugin waited for an answer are not told of again.
            let ready = poll(&pollers, nfds_t(pollers.count), data.contains(where: \.hasWaiting) ? 0 : -1)
            guard ready >= 0 || errno == EINTR else {
                WorkerExit.end(WorkerProtocol.ExitCode.badMessage, systemCallFailure(nil, errno))
            }
            for index in pollers.indices {
                let isReadable = ready > 0 && pollers[index].revents != 0
                if index > 0 { serveData(sockets[index], isReadable: isReadable) } else if isReadable { serveControl() }
            }
        }
    }

    private func serveControl() {
        control.receive { kind, body throws(WireError) in try handleControl(kind, body) }
        while let next = control.takeWaiting() {
            // The host waits for an answer before it says the next thing.
            WorkerExit.end(WireError("\(next.kind) came before the answer to a call"))
        }
    }

    /// Takes what there is on a data socket up to one step: the sockets take turns, as the host expects.
    private func serveData(_ socket: HostSocket, isReadable: Bool) {
        var isReadable = isReadable
        let before = steps
        while true {
            if let next = socket.takeWaiting() {
                next.body.withUnsafeBytes { handleWaiting(next.kind, $0, on: socket) }
            } else {
                guard isReadable else { return }
                socket.receive { kind, body throws(WireError) in try handleData(kind, body, on: socket) }
            }
            guard steps == before else { return }
            // Asked anew, for a call in between has read from the socket.
            isReadable = socket.hasPacket
        }
    }

    private func handleWaiting(_ kind: WorkerProtocol.Kind, _ body: UnsafeRawBufferPointer, on socket: HostSocket) {
        do throws(WireError) {
            try handleData(kind, body, on: socket)
        } catch {
            WorkerExit.end(error, in: kind)
        }
    }

    private func handleData(
        _ kind: WorkerProtocol.Kind,
        _ body: UnsafeRawBufferPointer,
        on socket: HostSocket
    ) throws(WireError) {
        switch kind {
        case .step:
            var arrays = LentArrays()
            swap(&arrays, &self.arrays)
            let outcome = try StepMessage.read(body, &arrays) { step, event in
                Result { () throws(WireError) in
                    try self.step(step, event, on: socket)
                    // The answer is out: nobody waits for this, and what goes wrong in it is no fault of the step.
                    try free(step.freed, askingOn: socket)
                }
            }
            swap(&arrays, &self.arrays)
            try outcome.get()
        case .free:
            try free(try FreeMessage.read(body), askingOn: socket)
        default: throw WireError("\(kind) does not go over a data socket")
        }
    }

    private func step(
        _ step: StepMessage,
        _ event: UnsafePointer<gantry_event>,
        on socket: HostSocket
    ) throws(WireError) {
        guard let plugin else { throw WireError("nothing is loaded") }
        host.begin(on: socket)
        steps &+= 1
        let start = Self.nanoseconds
        let operation: OpaquePointer
        if step.flags.contains(.new) {
            switch try make(step, plugin) {
            case .success(let made): operation = made
            case .failure(let refusal):
                let answer = SteppedWriter(operation: step.operation, reusing: takeStorage())
                let spent = Self.nanoseconds - start
                return send(answer.finished(status: refusal.code, wasRefused: true, nanoseconds: spent), to: socket)
            }
        } else {
            guard let known = operations[step.operation] else { throw WireError("a step is of no operation") }
            operation = known.pointer
        }
        let (answer, status) = sink.collect(step, reusing: takeStorage()) { sink in
            plugin.pointee.op_step(operation, event, sink)
        }
        send(answer.finished(status: status, nanoseconds: Self.nanoseconds - start), to: socket)
    }

    private func make(
        _ step: StepMessage,
        _ plugin: UnsafePointer<gantry_plugin>
    ) throws(WireError) -> Result<OpaquePointer, RefusedCommand> {
        guard operations[step.operation] == nil else { throw WireError("an operation's number is used twice") }
        guard let target = targets[step.target], !target.isUnwanted else { throw WireError("a step is of no target") }
        var made: OpaquePointer?
        let status = plugin.pointee.op_new(target.pointer, step.kind, &made)
        guard status == Status.ok, let made else {
            return .failure(RefusedCommand(code: status == Status.ok ? Status.internalError : status))
        }
        operations[step.operation] = Operation(pointer: made, target: step.target)
        targets[step.target]?.operations += 1
        return .success(made)
    }

    /// Frees operations; what the plugin asks meanwhile goes over the socket on which they were.
    private func free(_ numbers: [UInt64], askingOn socket: HostSocket) throws(WireError) {
        guard !numbers.isEmpty else { return }
        host.begin(on: socket)
        for number in numbers { try free(number) }
    }

    private func free(_ number: UInt64) throws(WireError) {
        guard let operation = operations.removeValue(forKey: number) else {
            throw WireError("an operation is freed that there is not")
        }
        plugin?.pointee.op_free(operation.pointer)
        targets[operation.target]?.operations -= 1
        freeIfUnwanted(operation.target)
    }

    /// Frees a target that neither the host nor an operation has a use for.
    func freeIfUnwanted(_ number: UInt32) {
        guard let target = targets[number], target.isUnwanted, target.operations == 0 else { return }
        targets[number] = nil
        plugin?.pointee.target_free(target.pointer)
    }

    private func send(_ message: consuming OutgoingMessage, to socket: HostSocket) {
        socket.send(&message)
        let used = message.takeStorage()
        // A large answer does not keep its memory.
        storage = used.capacity <= 1 << 20 ? used : []
    }

    private func takeStorage() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &storage)
        return taken
    }

    private static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
    }
}
