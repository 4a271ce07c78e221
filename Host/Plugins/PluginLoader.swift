import HostCore
import Logging
import Synchronization

/// Makes instances of plugins from their manifests, or finds that there is nothing to make.
final class PluginLoader: Sendable {
    private let runDirectory: String
    private let workers: WorkerEnvironment
    private let meters: PluginMeterBoard
    private let logger: Logger
    private let libraries = PluginLibraries()
    /// The number of each plugin's latest version.
    private let generations = Mutex<[String: UInt64]>([:])

    /// Makes a loader.
    ///
    /// - Parameters:
    ///   - runDirectory: Where private copies of the libraries are put.
    ///   - workers: How worker processes are started.
    ///   - meters: Where loads and refusals are counted.
    ///   - logger: For the plugins' lines.
    init(runDirectory: String, workers: WorkerEnvironment, meters: PluginMeterBoard, logger: Logger) {
        self.runDirectory = runDirectory
        self.workers = workers
        self.meters = meters
        self.logger = logger
    }

    /// Removes the copies of libraries that no process uses.
    func removeUnusedCopies() { LibraryCopy.removeUnused(in: runDirectory) }

    /// Loads a plugin.
    ///
    /// - Parameters:
    ///   - definition: What its manifest says.
    ///   - earlier: The version that takes operations now.
    ///   - variables: The process's environment.
    /// - Returns: The earlier instance if nothing of it has changed, else a new one beside it.
    /// - Throws: ``PluginError``; the earlier one is untouched.
    func load(
        _ definition: PluginDefinition,
        after earlier: LoadedPlugin?,
        variables: [String: String]
    ) throws(PluginError) -> LoadedPlugin {
        do throws(PluginError) {
            return try loaded(definition, after: earlier, variables: variables)
        } catch {
            meters.meters(of: definition.id).noteRefusal(error.reason, error.message)
            throw error
        }
    }

    private func loaded(
        _ definition: PluginDefinition,
        after earlier: LoadedPlugin?,
        variables: [String: String]
    ) throws(PluginError) -> LoadedPlugin {
        let stamps = FileStamps(definition.files)
        let same = earlier.flatMap { $0.definition == definition ? $0 : nil }
        if let same, stamps.areThose(of: same.stamps) {
            // Its folder is not among the files.
            try PluginImage.checkOwnership(of: definition)
            return same
        }
        let image = try PluginImage(definition, runDirectory: runDirectory)
        if let same, image.identity == same.identity {
            return LoadedPlugin(
                definition: definition,
                instance: same.instance,
                generation: same.generation,
                identity: image.identity,
                stamps: stamps
            )
        }
        let instance = try PluginInstance(
            definition,
            image: image,
            libraries: libraries,
            environment: variables,
            workers: workers,
            meters: meters.meters(of: definition.id),
            logger: logger
        )
        let generation = generations.withLock { generations in
            generations[definition.id, default: 0] += 1
            return generations[definition.id] ?? 1
        }
        meters.meters(of: definition.id).noteLoad(generation: generation)
        return LoadedPlugin(
            definition: definition,
            instance: instance,
            generation: generation,
            identity: image.identity,
            stamps: stamps
        )
    }
}
