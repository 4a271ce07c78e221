import CGantryPlugin
import HostPluginABI
import Synchronization

@testable import HostPlugins

/// A plugin inside the test's own process, whose steps a test writes as a closure.
final class ScriptedPlugin: Sendable {
    typealias Script = @Sendable (ScriptedStep) -> gantry_status

    struct Counts: Equatable {
        var made = 0
        var freed = 0
        var targetsFreed = 0
        var instancesFreed = 0
        /// Steps of one operation that overlapped, and calls for one that was freed: always a fault of the host.
        var faults = 0
    }

    static let everyOperation: UInt64 = 0xffff_ffff

    let number: Int
    let table: PluginTable
    let script: Script
    private let counted = Mutex(Counts())
    private let seenHost = Mutex<UInt>(0)
    // Tables are static for the life of an image; this one's texts live as long as the process, too.
    private static let registry = Mutex<(next: Int, plugins: [Int: ScriptedPlugin])>((0, [:]))

    var counts: Counts { counted.withLock { $0 } }
    var host: UnsafePointer<gantry_host>? { UnsafePointer(bitPattern: seenHost.withLock { $0 }) }

    init(flags: Int = 0, describe: String = "", script: @escaping Script) throws {
        number = Self.registry.withLock { registry in
            registry.next += 1
            return registry.next
        }
        let pointer = UnsafeMutablePointer<gantry_plugin>.allocate(capacity: 1)
        pointer.initialize(to: Self.makeTable(flags: flags, describe: describe))
        table = try PluginTable(pointer, library: "scripted")
        self.script = script
        Self.registry.withLock { $0.plugins[number] = self }
    }

    static func makeTable(flags: Int = 0, describe: String = "") -> gantry_plugin {
        gantry_plugin(
            size: UInt32(MemoryLayout<gantry_plugin>.size),
            abi_minor: 0,
            needs_minor: 0,
            flags: UInt32(flags),
            ops: everyOperation,
            id: leaked("scripted"),
            version: leaked("1"),
            describe: leaked(describe),
            instance_new: { host, configuration, _, out in
                guard let plugin = ScriptedPlugin.named(in: configuration) else { return -2 }
                plugin.seenHost.withLock { $0 = UInt(bitPattern: host) }
                out?.pointee = OpaquePointer(Unmanaged.passRetained(plugin).toOpaque())
                return 0
            },
            instance_free: { instance in
                guard let instance else { return }
                let plugin = Unmanaged<ScriptedPlugin>.fromOpaque(UnsafeRawPointer(instance)).takeRetainedValue()
                plugin.count { $0.instancesFreed += 1 }
                ScriptedPlugin.registry.withLock { $0.plugins[plugin.number] = nil }
            },
            target_new: { instance, _, _, out in
                guard let instance else { return -2 }
                let plugin = Unmanaged<ScriptedPlugin>.fromOpaque(UnsafeRawPointer(instance)).takeUnretainedValue()
                out?.pointee = OpaquePointer(Unmanaged.passRetained(plugin).toOpaque())
                return 0
            },
            target_free: { target in
                guard let target else { return }
                let plugin = Unmanaged<ScriptedPlugin>.fromOpaque(UnsafeRawPointer(target)).takeRetainedValue()
                plugin.count { $0.targetsFreed += 1 }
            },
            op_new: { target, kind, out in
                guard let target else { return -2 }
                let plugin = Unmanaged<ScriptedPlugin>.fromOpaque(UnsafeRawPointer(target)).takeUnretainedValue()
                plugin.count { $0.made += 1 }
                let operation = ScriptedOperation(plugin: plugin, kind: kind)
                out?.pointee = OpaquePointer(Unmanaged.passRetained(operation).toOpaque())
                return 0
            },
            op_step: { operation, event, sink in
                guard let operation, let event, let sink else { return -2 }
                return Unmanaged<ScriptedOperation>.fromOpaque(UnsafeRawPointer(operation)).takeUnretainedValue()
                    .step(event, sink)
            },
            op_free: { operation in
                guard let operation else { return }
                Unmanaged<ScriptedOperation>.fromOpaque(UnsafeRawPointer(operation)).takeRetainedValue().free()
            },
            extension: nil
        )
    }

    /// Bytes that are never freed.
    static func leaked(_ text: String) -> gantry_slice {
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
        return gantry_slice(ptr: UnsafePointer(bytes.baseAddress), len: bytes.count)
    }

    private static func named(in configuration: gantry_slice) -> ScriptedPlugin? {
        let digits = String(lent: configuration).filter(\.isNumber)
        return Int(digits).flatMap { number in registry.withLock { $0.plugins[number] } }
    }

    func count(_ change: (inout Counts) -> Void) { counted.withLock { change(&$0) } }
}

/// The plugin's side of one operation.
final class ScriptedOperation: Sendable {
    let plugin: ScriptedPlugin
    let kind: UInt32
    private let isEntered = Mutex(false)

    init(plugin: ScriptedPlugin, kind: UInt32) {
        self.plugin = plugin
        self.kind = kind
    }

    func step(_ event: UnsafePointer<gantry_event>, _ sink: UnsafePointer<gantry_sink>) -> gantry_status {
        let wasEntered = isEntered.withLock { entered in
            defer { entered = true }
            return entered
        }
        if wasEntered { plugin.count { $0.faults += 1 } }
        defer { isEntered.withLock { $0 = false } }
        return plugin.script(ScriptedStep(kind: kind, event: ScriptedEvent(event.pointee), sink: sink))
    }

    func free() {
        let isInside = isEntered.withLock { $0 }
        plugin.count { counts in
            counts.freed += 1
            if isInside { counts.faults += 1 }
        }
    }
}
