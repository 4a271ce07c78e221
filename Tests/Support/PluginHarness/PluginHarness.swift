import CGantryPlugin
import GantryPlugin

/// Drives one adapter through its C table, as a host does: one instance, one target, any number of operations.
///
/// Everything lent to the plugin lies in blocks that are overwritten after the call, so that an adapter which keeps a
/// pointer is found out. A harness is used by one thread at a time.
package final class PluginHarness<A: Adapter> {
    /// The services that the adapter is given.
    package let host: FakeHost
    private let table: gantry_plugin
    private let instance: OpaquePointer?
    private let target: OpaquePointer?

    /// Makes an instance and a target.
    /// - Throws: The adapter's ``Failure`` if it refuses the configuration or the parameters.
    package init(configuration: JSON = [:], parameters: JSON = [:], host: FakeHost = FakeHost()) throws {
        self.host = host
        guard let table = PluginEntry<A>.table(hostMinor: 0) else {
            throw Failure(.internalError, "The image has no room for another adapter.")
        }
        self.table = table.pointee
        let newInstance = self.table.instance_new
        let newTarget = self.table.target_new
        instance = try Self.make(configuration) { newInstance?(host.pointer, $0, $1, $2) ?? -1 }
        let made = instance
        do {
            target = try Self.make(parameters) { newTarget?(made, $0, $1, $2) ?? -1 }
        } catch {
            self.table.instance_free?(instance)
            throw error
        }
    }

    deinit {
        table.target_free?(target)
        table.instance_free?(instance)
    }

    /// The `GANTRY_PF_*` of the table.
    package var flags: UInt32 { table.flags }

    /// The `describe` document of the table.
    package var describe: JSON {
        get throws {
            try JSON(parsing: Array(UnsafeBufferPointer(start: table.describe.ptr, count: table.describe.len)))
        }
    }

    /// Makes an operation without starting it.
    /// - Throws: ``Failure`` with `.unsupported` if the target does not serve the kind.
    package func makeOperation(_ kind: OperationKind) throws -> OperationProbe {
        var operation: OpaquePointer?
        let status = table.op_new?(target, kind.rawValue, &operation) ?? -1
        guard status == 0, let operation else {
            throw Failure(.unsupported, "op_new answered \(status) for \(kind).")
        }
        return OperationProbe(operation, table)
    }

    /// Makes an operation and delivers START with this data.
    ///
    /// A `sourceLength` is in bytes; nil stands for the value that says that it is unknown.
    package func start(
        _ kind: OperationKind,
        input: [UInt8],
        references: [Reference] = [],
        streaming: Bool = false,
        sourceLength: UInt64? = nil
    ) throws -> OperationProbe {
        let probe = try makeOperation(kind)
        probe.deliver(.start(input: input, references: references, streaming: streaming, sourceLength: sourceLength))
        return probe
    }

    /// Makes an operation and delivers START with a JSON input.
    package func start(
        _ kind: OperationKind,
        input: JSON = [:],
        references: [Reference] = [],
        streaming: Bool = false,
        sourceLength: UInt64? = nil
    ) throws -> OperationProbe {
        try start(
            kind,
            input: input.serialized(),
            references: references,
            streaming: streaming,
            sourceLength: sourceLength
        )
    }

    private static func make(
        _ document: JSON,
        _ constructor: (
            gantry_slice, UnsafePointer<gantry_sink>, UnsafeMutablePointer<OpaquePointer?>
        ) -> gantry_status
    ) throws -> OpaquePointer {
        let collector = CommandCollector()
        let text = LentBytes(document.serialized())
        var object: OpaquePointer?
        let status = collector.withSink { constructor(text.slice, $0, &object) }
        text.scribble()
        if let object, status == 0 { return object }
        throw collector.commands.first?.failure
            ?? Failure(.internalError, "The constructor answered \(status) and gave no reason.")
    }
}

/// A block of bytes that is lent to a plugin and overwritten afterwards.
package final class LentBytes {
    private let memory: UnsafeMutableBufferPointer<UInt8>

    /// Copies the bytes into a block of exactly their size.
    package init(_ bytes: [UInt8]) {
        memory = .allocate(capacity: bytes.count)
        _ = memory.initialize(from: bytes)
    }

    deinit { memory.deallocate() }

    /// The block, as the ABI lends it.
    package var slice: gantry_slice { gantry_slice(ptr: memory.baseAddress, len: memory.count) }

    /// Overwrites the block.
    package func scribble() { memory.update(repeating: 0xA5) }
}
