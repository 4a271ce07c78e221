import CGantryPlugin
import HostFunctions
import HostPluginABI
import Synchronization

/// An instance whose code is in this process.
///
/// `@unchecked Sendable`: the pointers are written once, and the ABI allows calls on any thread; where the plugin does
/// not allow them at the same time, ``exclusively(_:)`` holds a lock around each.
final class LocalInstance: @unchecked Sendable {
    private let table: PluginTable
    private let setup: PluginSetup
    private let meters: PluginMeters
    // Both are filled before the instance exists and freed after it is gone: `gantry_host` must stay valid meanwhile.
    private let hostTable: UnsafeMutablePointer<gantry_host>
    private let hostNames: [StaticText]
    private let instance: OpaquePointer
    private let lock = Mutex(())

    /// Makes an instance of a plugin.
    init(_ table: PluginTable, _ setup: PluginSetup, meters: PluginMeters) throws(PluginError) {
        let names = [StaticText("gantry"), StaticText("1")]
        let hostTable = UnsafeMutablePointer<gantry_host>.allocate(capacity: 1)
        hostTable.initialize(to: setup.services.makeTable(name: names[0].slice, version: names[1].slice))
        do {
            instance = try Self.make(table, hostTable, setup)
        } catch {
            hostTable.deallocate()
            throw error
        }
        do throws(FunctionError) {
            try setup.services.functions?.checkUse(by: table.facts.id)
        } catch {
            table.pointer.pointee.instance_free(instance)
            hostTable.deallocate()
            throw PluginError(.configurationRefused, "\(setup.location): \(error.message)")
        }
        self.table = table
        self.setup = setup
        self.meters = meters
        self.hostTable = hostTable
        hostNames = names
    }

    deinit {
        table.pointer.pointee.instance_free(instance)
        hostTable.deallocate()
        withExtendedLifetime((setup, hostNames)) {}
    }

    /// The manifest's functions.
    var functions: FunctionTable? { setup.services.functions }

    /// Runs a call into the plugin alone, unless the plugin allows several at a time.
    private func exclusively<R>(_ body: () -> R) -> R {
        table.facts.isParallel ? body() : lock.withLock { _ in body() }
    }

    /// Makes a target from the JSON of a deployment's bound parameters.
    func makeTarget(_ parameters: [UInt8], location: String) throws(PluginError) -> OpaquePointer {
        let collector = CommandCollector()
        var target: OpaquePointer?
        let status = exclusively {
            collector.withSink { sink in
                parameters.withUnsafeBufferPointer { bytes in
                    table.pointer.pointee.target_new(
                        instance,
                        gantry_slice(ptr: bytes.baseAddress, len: bytes.count),
                        sink,
                        &target
                    )
                }
            }
        }
        guard status == Status.ok, let target else {
            throw setup.refusal(collector.take(), status, location: location)
        }
        return target
    }

    /// Frees a target.
    func free(target: OpaquePointer) {
        exclusively { table.pointer.pointee.target_free(target) }
    }

    /// Makes the plugin's state for one operation; fails with the status with which the plugin refused.
    func makeOperation(_ kind: OperationKind, of target: OpaquePointer) -> Result<LocalOperation, RefusedCommand> {
        var operation: OpaquePointer?
        let status = exclusively { table.pointer.pointee.op_new(target, kind.rawValue, &operation) }
        guard status == Status.ok, let operation else { return .failure(RefusedCommand(code: status)) }
        return .success(LocalOperation(instance: self, pointer: operation))
    }

    /// Gives an operation one event; its commands go to the collector.
    func step(
        _ operation: OpaquePointer,
        _ event: OperationEvent,
        _ request: OperationRequest,
        _ collector: CommandCollector
    ) -> gantry_status {
        exclusively {
            collector.withSink { sink in
                event.withLent(for: request) { lent in
                    let start = StepClock.nanoseconds()
                    let status = table.pointer.pointee.op_step(operation, lent, sink)
                    meters.noteStep(nanoseconds: StepClock.nanoseconds() &- start)
                    return status
                }
            }
        }
    }

    /// Frees an operation.
    func free(operation: OpaquePointer) {
        exclusively { table.pointer.pointee.op_free(operation) }
    }

    private static func make(
        _ table: PluginTable,
        _ host: UnsafePointer<gantry_host>,
        _ setup: PluginSetup
    ) throws(PluginError) -> OpaquePointer {
        let collector = CommandCollector()
        var instance: OpaquePointer?
        let status = collector.withSink { sink in
            setup.configuration.withUnsafeBufferPointer { bytes in
                table.pointer.pointee.instance_new(
                    host,
                    gantry_slice(ptr: bytes.baseAddress, len: bytes.count),
                    sink,
                    &instance
                )
            }
        }
        guard status == Status.ok, let instance else {
            throw setup.refusal(collector.take(), status, location: setup.location)
        }
        return instance
    }
}

/// One operation of an instance whose code is in this process.
///
/// `@unchecked Sendable`: whoever steps or frees it has it alone; the plugin's own rules are kept by the instance.
struct LocalOperation: @unchecked Sendable {
    fileprivate let instance: LocalInstance
    fileprivate let pointer: OpaquePointer

    /// Gives the plugin one event.
    func step(
        _ event: OperationEvent,
        _ request: OperationRequest,
        _ collector: CommandCollector
    ) -> gantry_status {
        instance.step(pointer, event, request, collector)
    }

    /// Frees it; the last call.
    func free() { instance.free(operation: pointer) }
}

/// A plugin's state for one operation, wherever the plugin's code runs.
enum PluginOperation {
    case local(LocalOperation)
    case worker(WorkerOperation)
}
