import HostCore
import HostFunctions
import HostPluginABI
import Logging
import NIOCore

/// One running plugin: a manifest's library with its configuration.
package final class PluginInstance: Sendable {
    /// Where its code runs.
    enum Code: Sendable {
        case local(LocalInstance)
        case workers(WorkerPool)
    }

    /// Where a target of it is.
    enum TargetCode: @unchecked Sendable {
        // The pointer is used through its instance alone, which keeps the plugin's rules about threads.
        case local(LocalInstance, OpaquePointer)
        case workers(WorkerPool, UInt32)

        /// Makes the plugin's state for one operation.
        ///
        /// - Parameters:
        ///   - kind: What the operation is.
        ///   - loop: Where it runs.
        ///   - refused: Makes a failure of the status with which the plugin refused.
        /// - Returns: The operation, or why there is none.
        func makeOperation(
            _ kind: OperationKind,
            on loop: any EventLoop,
            refused: (Int32) -> OperationFailure
        ) -> Result<PluginOperation, OperationFailure> {
            switch self {
            case .local(let instance, let target):
                switch instance.makeOperation(kind, of: target) {
                case .success(let operation): .success(.local(operation))
                case .failure(let refusal): .failure(refused(refusal.code))
                }
            case .workers(let pool, let target):
                pool.makeOperation(kind, target: target, on: loop).map { .worker($0) }
            }
        }

        /// Frees the target.
        func free() {
            switch self {
            case .local(let instance, let target): instance.free(target: target)
            case .workers(let pool, let target): pool.free(target: target)
            }
        }
    }

    /// What the plugin says of itself.
    package let facts: PluginFacts
    let definition: PluginDefinition
    let secrets: SecretStore
    let logger: Logger
    /// Count what happens to the plugin, over all its instances.
    let meters: PluginMeters
    private let code: Code

    /// Makes the instance of a checked copy of a library where its manifest says.
    ///
    /// It blocks for as long as a worker takes to start.
    convenience init(
        _ definition: PluginDefinition,
        image: PluginImage,
        libraries: PluginLibraries,
        environment: [String: String],
        workers: WorkerEnvironment? = nil,
        meters: PluginMeters,
        logger: Logger
    ) throws(PluginError) {
        guard let limits = definition.limits else {
            let library = try libraries.library(image, as: definition)
            try self.init(definition, library: library, environment: environment, meters: meters, logger: logger)
            return
        }
        guard let workers else {
            throw PluginError(
                .workerFailed,
                "\(definition.manifestPath): it runs in workers, and this program has none. Write isolation: in_process."
            )
        }
        let plan = WorkerPool.Plan(
            definition: definition,
            image: image,
            limits: limits,
            environment: workers,
            meters: meters
        )
        let (pool, facts) = try WorkerPool.start(plan, environment: environment, logger: logger)
        self.init(definition, facts, pool.setup, .workers(pool), meters)
    }

    /// Makes the instance of a library that has been loaded.
    convenience init(
        _ definition: PluginDefinition,
        library: PluginLibrary,
        environment: [String: String],
        meters: PluginMeters,
        logger: Logger
    ) throws(PluginError) {
        let facts = library.table.facts.adapted(to: definition)
        let setup = try PluginSetup(
            definition,
            facts,
            functions: library.functions,
            environment: environment,
            logger: logger
        )
        let local = try LocalInstance(library.table, setup, meters: meters)
        self.init(definition, facts, setup, .local(local), meters)
    }

    private init(
        _ definition: PluginDefinition,
        _ facts: PluginFacts,
        _ setup: PluginSetup,
        _ code: Code,
        _ meters: PluginMeters
    ) {
        self.definition = definition
        self.facts = facts
        self.code = code
        self.meters = meters
        secrets = setup.secrets
        logger = setup.logger
        logger.info(
            "plugin loaded",
            metadata: ["plugin.version": "\(facts.version)", "plugin.sha256": "\(facts.sha256)"]
        )
    }

    deinit {
        if case .workers(let pool) = code { pool.shutDown() }
    }

    /// The workers; nil if its code is in this process.
    var workers: WorkerPool? { if case .workers(let pool) = code { pool } else { nil } }

    /// Where the functions are that the manifest names; nil if it names none.
    var functionCaller: FunctionCaller? {
        switch code {
        case .local(let local): local.functions.map { .local($0) }
        case .workers(let pool): pool.functions.map { .worker($0) }
        }
    }

    /// Makes a target from the JSON of a deployment's bound parameters.
    func makeTarget(_ parameters: [UInt8], location: String) throws(PluginError) -> TargetCode {
        switch code {
        case .local(let local): .local(local, try local.makeTarget(parameters, location: location))
        case .workers(let pool): .workers(pool, try pool.makeTarget(parameters, location: location))
        }
    }
}
