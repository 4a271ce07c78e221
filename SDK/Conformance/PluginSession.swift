import CGantryPlugin

/// One instance of a plugin with one target.
final class PluginSession {
    /// What a constructor did.
    struct Attempt {
        let status: gantry_status
        let object: OpaquePointer?
        let commands: [CapturedCommand]
    }

    let table: UnsafePointer<gantry_plugin>
    let host: VirtualHost
    private let hostMemory: LentMemory
    private let instance: OpaquePointer
    private let target: OpaquePointer
    private let services = OperationServices()
    private let parameters: [UInt8]
    private let name: String

    /// Makes an instance and a target.
    init(
        _ table: UnsafePointer<gantry_plugin>,
        configuration: [UInt8],
        parameters: [UInt8],
        name: String,
        hostSize: Int = MemoryLayout<gantry_host>.size,
        hostMemory kind: LentMemory.Kind = .kept
    ) throws(RuleStop) {
        self.table = table
        self.parameters = parameters
        self.name = name
        host = VirtualHost()
        hostMemory = LentMemory(kind)
        var hostTable = host.table
        hostTable.size = UInt32(clamping: hostSize)
        let lentHost = hostMemory.structure(hostTable, size: hostSize)
        let made = Self.makeInstance(table, lentHost, configuration, services)
        instance = try Self.accepted(made, "instance_new", name)
        let attempt = Self.makeTarget(table, instance, parameters, services)
        do throws(RuleStop) {
            target = try Self.accepted(attempt, "target_new", name)
        } catch {
            table.pointee.instance_free(instance)
            throw error
        }
    }

    /// Begins an operation.
    func begin(_ script: ConformanceScript, memory: LentMemory.Kind = .kept) throws(RuleStop) -> OperationRun {
        var operation: OpaquePointer?
        let status = CurrentCall.enter(services) { table.pointee.op_new(target, script.operation, &operation) }
        guard status == 0, let operation else {
            throw .broken(
                "`op_new` returned \(status) \(operation == nil ? "without" : "with") an operation for "
                    + "\(ScriptOperation.name(script.operation)), which `ops` promises.",
                at: script.name,
                advice: "Take the operation out of `ops`, or make it."
            )
        }
        return OperationRun(operation, table: table, script: script, memory: memory)
    }

    /// Makes one more target of the instance, and frees it: deployments come and go.
    func makeAnotherTarget() throws(RuleStop) {
        let made = try Self.accepted(Self.makeTarget(table, instance, parameters, services), "target_new", name)
        CurrentCall.enter(services) { table.pointee.target_free(made) }
    }

    /// Asks for an operation of any kind.
    func attempt(_ kind: UInt32) -> (status: gantry_status, operation: OpaquePointer?) {
        var operation: OpaquePointer?
        let status = CurrentCall.enter(services) { table.pointee.op_new(target, kind, &operation) }
        return (status, operation)
    }

    /// Frees target and instance.
    func close() {
        CurrentCall.enter(services) {
            table.pointee.target_free(target)
            table.pointee.instance_free(instance)
        }
        hostMemory.endCall()
    }

    static func makeInstance(
        _ table: UnsafePointer<gantry_plugin>,
        _ host: UnsafePointer<gantry_host>,
        _ configuration: [UInt8],
        _ services: OperationServices = OperationServices()
    ) -> Attempt {
        attempt(configuration, services) { table.pointee.instance_new(host, $0, $1, $2) }
    }

    static func makeTarget(
        _ table: UnsafePointer<gantry_plugin>,
        _ instance: OpaquePointer,
        _ parameters: [UInt8],
        _ services: OperationServices = OperationServices()
    ) -> Attempt {
        attempt(parameters, services) { table.pointee.target_new(instance, $0, $1, $2) }
    }

    private static func attempt(
        _ text: [UInt8],
        _ services: OperationServices,
        _ make: (gantry_slice, UnsafePointer<gantry_sink>, UnsafeMutablePointer<OpaquePointer?>) -> gantry_status
    ) -> Attempt {
        let memory = LentMemory(.scribbled)
        let sink = CommandSink(services: services)
        var object: OpaquePointer?
        let status = CurrentCall.enter(services) { sink.lend { make(memory.slice(text), $0, &object) } }
        memory.endCall()
        return Attempt(status: status, object: object, commands: sink.commands)
    }

    private static func accepted(
        _ attempt: Attempt,
        _ function: String,
        _ name: String
    ) throws(RuleStop) -> OpaquePointer {
        if attempt.status == 0, let object = attempt.object { return object }
        let why = attempt.commands.first.map { $0.shortLine } ?? "without saying why"
        throw .broken(
            attempt.status == 0
                ? "`\(function)` returned GANTRY_OK and no object."
                : "`\(function)` returned \(attempt.status): \(why).",
            at: name,
            advice:
                "If the parameters are not those that the plugin needs, give them with `--param name=value` or in a "
                + "script."
        )
    }
}
