import HostCore
import Logging

/// One running plugin: a manifest's library with its configuration.
package final class PluginInstance: Sendable {
    /// Where its code runs.
    enum Code: Sendable {
        case local(LocalInstance)
    }

    /// Where a target of it is.
    enum TargetCode: @unchecked Sendable {
        // The pointer is used through its instance alone, which keeps the plugin's rules about threads.
        case local(LocalInstance, OpaquePointer)

        /// Frees the target.
        func free() {
            switch self {
            case .local(let instance, let target): instance.free(target: target)
            }
        }
    }

    /// What the plugin says of itself.
    package let facts: PluginFacts
    let definition: PluginDefinition
    let secrets: SecretStore
    let logger: Logger
    private let code: Code

    /// Makes the instance of a checked copy of a library.
    convenience init(
        _ definition: PluginDefinition,
        image: PluginImage,
        libraries: PluginLibraries,
        environment: [String: String],
        logger: Logger
    ) throws(PluginError) {
        let library = try libraries.library(image, as: definition)
        try self.init(definition, library: library, environment: environment, logger: logger)
    }

    /// Makes the instance of a library that has been loaded.
    init(
        _ definition: PluginDefinition,
        library: PluginLibrary,
        environment: [String: String],
        logger: Logger
    ) throws(PluginError) {
        let setup = try PluginSetup(definition, library.table.facts, environment: environment, logger: logger)
        code = .local(try LocalInstance(library.table, setup))
        facts = library.table.facts
        self.definition = definition
        secrets = setup.secrets
        self.logger = setup.logger
        setup.logger.info(
            "plugin loaded",
            metadata: ["plugin.version": "\(facts.version)", "plugin.sha256": "\(facts.sha256)"]
        )
    }

    /// Makes a target from the JSON of a deployment's bound parameters.
    func makeTarget(_ parameters: [UInt8], location: String) throws(PluginError) -> TargetCode {
        switch code {
        case .local(let local): .local(local, try local.makeTarget(parameters, location: location))
        }
    }
}
