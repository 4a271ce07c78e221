import CGantryPlugin
import HostFunctions
import HostPluginABI

/// What the host asks over the control socket; each is answered before the next is looked at.
extension Worker {
    func handleControl(_ kind: WorkerProtocol.Kind, _ body: UnsafeRawBufferPointer) throws(WireError) {
        host.begin(on: control)
        do {
            var answer = try answer(kind, body)
            control.send(&answer)
        } catch let refusal as RefusedMessage {
            var answer = refusal.outgoing()
            control.send(&answer)
        } catch let error as WireError {
            throw error
        } catch {
            throw WireError("\(error)")
        }
    }

    private func answer(_ kind: WorkerProtocol.Kind, _ body: UnsafeRawBufferPointer) throws -> OutgoingMessage {
        switch kind {
        case .load: return try load(body)
        case .instance:
            try expect(.loaded, kind)
            try makeInstance(try BytesMessage.read(body))
            phase = .instanced
            return OutgoingMessage(.done)
        case .target:
            try expect(.instanced, kind)
            let (number, parameters) = try TargetMessage.read(body)
            try makeTarget(number, parameters)
            return OutgoingMessage(.done)
        case .freeTarget:
            let number = try TargetMessage.readFree(body)
            guard targets[number] != nil else { throw WireError("a target is freed that there is not") }
            targets[number]?.isUnwanted = true
            freeIfUnwanted(number)
            return OutgoingMessage(.done)
        case .seal:
            try expect(.instanced, kind)
            guard let load else { throw Self.nothingLoaded }
            let sealed = try Sandbox.seal(load)
            phase = .serving
            return sealed.message()
        case .function: return try call(body)
        case .check: return try check(body)
        default: throw WireError("\(kind) does not go over the control socket")
        }
    }

    /// Refuses what comes too early; ``Phase/serving`` has all that ``Phase/instanced`` has.
    private func expect(_ least: Phase, _ kind: WorkerProtocol.Kind) throws(WireError) {
        guard phase.rawValue >= least.rawValue, kind == .target || phase == least else {
            throw WireError("\(kind) comes at the wrong time")
        }
    }

    private func load(_ body: UnsafeRawBufferPointer) throws -> OutgoingMessage {
        guard phase == .started else { throw WireError("a second library") }
        let load = try LoadMessage(body)
        self.load = load
        // An answer is written before it is sent, beside what the plugin itself has of it.
        sink = PluginSink(maximumBytes: Int(clamping: load.memoryLimitInBytes / 4))
        try Sandbox.enter(load)
        functions = try open(load.bindings)
        host.functions = functions
        // Plain functions alone need no instance.
        guard !load.path.isEmpty else {
            phase = .instanced
            return FactsMessage(gantry_plugin()).message()
        }
        let table = try PluginHandshake.open(load.path)
        try PluginHandshake.check(table)
        plugin = table
        phase = .loaded
        return FactsMessage(table.pointee).message()
    }

    /// Opens the library of plain functions; nil if there is none.
    private func open(_ bindings: [UInt8]) throws -> FunctionTable? {
        guard !bindings.isEmpty else { return nil }
        let plan = try bindings.withUnsafeBytes { bytes throws(WireError) in try FunctionPlan(decoding: bytes) }
        do throws(FunctionError) {
            return try plan.open()
        } catch {
            throw RefusedMessage(.functionRefused, error.message)
        }
    }

    /// Calls a plain function for the host.
    private func call(_ body: UnsafeRawBufferPointer) throws -> OutgoingMessage {
        guard let functions, phase.rawValue >= Phase.loaded.rawValue else { throw Self.nothingLoaded }
        return BytesMessage.message(.result, try functions.reply(to: try BytesMessage.read(body)))
    }

    private func makeInstance(_ configuration: UnsafeRawBufferPointer) throws(RefusedMessage) {
        guard let plugin else { throw Self.nothingLoaded }
        var made: OpaquePointer?
        try sink.explain { why in
            let status = plugin.pointee.instance_new(host.pointer, gantry_slice(configuration), why, &made)
            return status == Status.ok && made == nil ? Status.internalError : status
        }
        instance = made
        do throws(FunctionError) {
            try functions?.checkUse(by: String(lent: plugin.pointee.id))
        } catch {
            throw RefusedMessage(.functionRefused, error.message)
        }
    }

    private func makeTarget(_ number: UInt32, _ parameters: UnsafeRawBufferPointer) throws {
        guard let plugin, let instance else { throw Self.nothingLoaded }
        guard targets[number] == nil else { throw WireError("a target's number is used twice") }
        var made: OpaquePointer?
        try sink.explain { why in
            let status = plugin.pointee.target_new(instance, gantry_slice(parameters), why, &made)
            return status == Status.ok && made == nil ? Status.internalError : status
        }
        if let made { targets[number] = Target(pointer: made) }
    }

    private static var nothingLoaded: RefusedMessage { RefusedMessage(.unsupported, "nothing is loaded.") }
}
