import CGantryPlugin
import HostCore
import Logging
import Synchronization

/// One running plugin: a manifest's library with its configuration.
///
/// `@unchecked Sendable`: the pointer is written once, and the ABI allows calls on any thread; where the plugin does
/// not allow them at the same time, ``exclusively(_:)`` holds a lock around each.
package final class PluginInstance: @unchecked Sendable {
    let definition: PluginDefinition
    let table: PluginTable
    /// What the plugin says of itself, for this manifest's provider.
    let description: PluginDescription
    /// What both the library and this manifest's provider have.
    let operations: Set<OperationKind>
    let secrets: SecretStore
    let logger: Logger

    private let services: HostServices
    // Both are filled before the instance exists and freed after it is gone: `gantry_host` must stay valid meanwhile.
    private let hostTable: UnsafeMutablePointer<gantry_host>
    private let hostNames: [StaticText]
    private let instance: OpaquePointer
    private let lock = Mutex(())

    /// Loads a plugin's library and makes its instance.
    convenience init(
        _ definition: PluginDefinition,
        runDirectory: String,
        environment: [String: String],
        logger: Logger
    ) throws(PluginError) {
        let image = try PluginImage(definition, runDirectory: runDirectory)
        let library = try PluginLibrary(image, as: definition)
        try self.init(definition, library: library, environment: environment, logger: logger)
    }

    /// Makes the instance of a library that has been loaded.
    init(
        _ definition: PluginDefinition,
        library: PluginLibrary,
        environment: [String: String],
        logger: Logger
    ) throws(PluginError) {
        var pluginLogger = logger
        pluginLogger[metadataKey: "plugin.name"] = "\(definition.id)"
        let secrets = SecretStore(definition.secrets)
        let services = HostServices(logger: pluginLogger, secrets: secrets)
        let names = [StaticText("gantry"), StaticText("1")]
        let hostTable = UnsafeMutablePointer<gantry_host>.allocate(capacity: 1)
        hostTable.initialize(to: services.makeTable(name: names[0].slice, version: names[1].slice))
        var binder = ParameterBinder(
            rules: library.table.description.configuration,
            secrets: secrets,
            environment: environment,
            scope: .plugin(definition.id),
            location: "\(definition.manifestPath): configuration"
        )
        do {
            let json = try binder.bind(definition.configuration)
            instance = try Self.make(library.table, hostTable, json, location: definition.manifestPath)
        } catch {
            hostTable.deallocate()
            throw error
        }
        self.definition = definition
        table = library.table
        description = definition.profile.map(library.table.description.adapted) ?? library.table.description
        operations =
            definition.profile.map { library.table.operations.intersection($0.operations) }
            ?? library.table.operations
        self.secrets = secrets
        self.services = services
        self.logger = pluginLogger
        self.hostTable = hostTable
        hostNames = names
        logger.info(
            "plugin loaded",
            metadata: [
                "plugin.name": "\(definition.id)", "plugin.version": "\(definition.version)",
                "plugin.sha256": "\(library.sha256)",
            ]
        )
    }

    deinit {
        table.pointer.pointee.instance_free(instance)
        hostTable.deallocate()
        withExtendedLifetime((services, hostNames)) {}
    }

    /// Runs a call into the plugin alone, unless the plugin allows several at a time.
    func exclusively<R>(_ body: () -> R) -> R {
        table.isParallel ? body() : lock.withLock { _ in body() }
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
            throw Self.refusal(collector, status, location: location, secrets: secrets)
        }
        return target
    }

    /// Frees a target.
    func free(target: OpaquePointer) {
        exclusively { table.pointer.pointee.target_free(target) }
    }

    private static func make(
        _ table: PluginTable,
        _ host: UnsafePointer<gantry_host>,
        _ configuration: [UInt8],
        location: String
    ) throws(PluginError) -> OpaquePointer {
        let collector = CommandCollector()
        var instance: OpaquePointer?
        let status = collector.withSink { sink in
            configuration.withUnsafeBufferPointer { bytes in
                table.pointer.pointee.instance_new(
                    host,
                    gantry_slice(ptr: bytes.baseAddress, len: bytes.count),
                    sink,
                    &instance
                )
            }
        }
        guard status == Status.ok, let instance else {
            throw refusal(collector, status, location: location, secrets: nil)
        }
        return instance
    }

    private static func refusal(
        _ collector: CommandCollector,
        _ status: gantry_status,
        location: String,
        secrets: SecretStore?
    ) -> PluginError {
        for case .error(let failure) in collector.take() {
            let message = secrets?.masked(failure.message) ?? failure.message
            let parameter = failure.parameter.map { "\($0): " } ?? ""
            return PluginError(.configurationRefused, "\(location): \(parameter)\(message)")
        }
        return PluginError(
            .configurationRefused,
            "\(location): the plugin refused it without a reason (status \(status)). Look at the plugin's log lines."
        )
    }
}

/// Bytes at an address that stays.
///
/// `@unchecked Sendable`: written once, before anybody else has it.
final class StaticText: @unchecked Sendable {
    let slice: gantry_slice
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String) {
        bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
        slice = gantry_slice(ptr: UnsafePointer(bytes.baseAddress), len: bytes.count)
    }

    deinit { bytes.deallocate() }
}
