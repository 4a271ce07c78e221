import CGantryPlugin
import Synchronization

/// Makes the table that a plugin's entry function returns.
public enum PluginEntry<A: Adapter> {
    /// The plugin's table, made at the first call and valid as long as the image.
    ///
    /// Minor 0 needs nothing of the host that a later minor could lack, so every `hostMinor` is served.
    public static func table(hostMinor: UInt32) -> UnsafePointer<gantry_plugin>? {
        PluginImage.shared.table(for: A.self)
    }
}

/// The adapters of this image: one in a plugin, several in a test program.
final class PluginImage: Sendable {
    /// Makes the instance of one adapter.
    typealias Factory = @Sendable (Host, JSON) throws(Failure) -> InstanceBox

    private struct Registration {
        let adapter: ObjectIdentifier
        let factory: Factory
        let table: PublishedTable
    }

    static let shared = PluginImage()

    private let registrations = Mutex<[Registration]>([])

    /// The table of an adapter; nil if the image has no room for another adapter.
    func table<A: Adapter>(for adapter: A.Type) -> UnsafePointer<gantry_plugin>? {
        registrations.withLock { registrations -> PublishedTable? in
            if let known = registrations.first(where: { $0.adapter == ObjectIdentifier(adapter) }) {
                return known.table
            }
            guard registrations.count < EntryPoints.instanceNew.count else { return nil }
            let registration = Registration(
                adapter: ObjectIdentifier(adapter),
                factory: { (host, configuration) throws(Failure) in
                    TypedInstanceBox(try A(configuration: configuration, host: host))
                },
                table: PublishedTable(A.description, instanceNew: EntryPoints.instanceNew[registrations.count])
            )
            registrations.append(registration)
            return registration.table
        }?.pointer
    }

    /// The factory of the adapter whose table has that slot's function.
    func factory(slot: Int) -> Factory? {
        registrations.withLock { slot < $0.count ? $0[slot].factory : nil }
    }
}

/// A table and its strings, never freed.
///
/// `@unchecked Sendable`: nothing writes to the memory after the initializer.
struct PublishedTable: @unchecked Sendable {
    private static let abiMinor: UInt32 = 0
    private static let parallelFlag: UInt32 = 1
    private static let openAIWireFlag: UInt32 = 4

    let pointer: UnsafePointer<gantry_plugin>

    init(_ description: PluginDescription, instanceNew: EntryPoints.InstanceNew?) {
        var table = gantry_plugin()
        table.size = UInt32(truncatingIfNeeded: MemoryLayout<gantry_plugin>.size)
        table.abi_minor = Self.abiMinor
        table.needs_minor = Self.abiMinor
        table.flags = Self.parallelFlag | (description.speaksOpenAIWire ? Self.openAIWireFlag : 0)
        table.ops = description.operations.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
        table.id = Self.immortal(Array(description.id.utf8))
        table.version = Self.immortal(Array(description.version.utf8))
        table.describe = Self.immortal(description.json.serialized())
        table.instance_new = instanceNew
        table.instance_free = EntryPoints.instanceFree
        table.target_new = EntryPoints.targetNew
        table.target_free = EntryPoints.targetFree
        table.op_new = EntryPoints.operationNew
        table.op_step = EntryPoints.operationStep
        table.op_free = EntryPoints.operationFree
        table.extension = EntryPoints.noExtension
        let memory = UnsafeMutablePointer<gantry_plugin>.allocate(capacity: 1)
        memory.initialize(to: table)
        pointer = UnsafePointer(memory)
    }

    private static func immortal(_ bytes: [UInt8]) -> gantry_slice {
        let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = memory.initialize(from: bytes)
        return gantry_slice(ptr: memory.baseAddress, len: bytes.count)
    }
}

extension PluginDescription {
    /// The `describe` document.
    var json: JSON {
        var document = JSONObject()
        document["params"] = Self.json(parameters)
        document["config"] = Self.json(configuration)
        document["content_purposes"] = .array(contentPurposes.map { .string($0) })
        if let lostFiles { document["lost_files"] = .string(lostFiles.rawValue) }
        return .object(document)
    }

    private static func json(_ parameters: [ParameterDescription]) -> JSON {
        var object = JSONObject()
        for parameter in parameters { object[parameter.name] = parameter.json }
        return .object(object)
    }
}

extension ParameterDescription {
    fileprivate var json: JSON {
        var object = JSONObject()
        switch kind {
        case .value: object["kind"] = "value"
        case .secret: object["kind"] = "secret"
        case .endpoint: object["kind"] = "endpoint"
        case .credentials(let members, let endpoints):
            object["kind"] = "credentials"
            object["members"] = .array(members.map { .string($0) })
            object["endpoints"] = .array(endpoints.map { .string($0) })
        }
        object["env"] = environmentVariable.map { .string($0) }
        return .object(object)
    }
}
