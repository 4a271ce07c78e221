import HostCore
import Logging
import NIOCore

/// Every plugin that the manifests name and every deployment that the configuration names, loaded and checked.
package final class PluginHost: Sendable {
    let targets: [DeploymentID: PluginTarget]
    /// What has happened to the plugins.
    package let meters: PluginMeterBoard
    private let environment: OperationEnvironment
    private let group: any EventLoopGroup

    /// Loads the plugins that have deployments and lets each check its deployments' parameters.
    ///
    /// - Parameters:
    ///   - plugins: The manifests.
    ///   - targets: The deployments, each with a plugin among the manifests.
    ///   - cooldown: When a deployment is spared.
    ///   - runDirectory: Where private copies of the libraries are put.
    ///   - variables: The process's environment, for parameters that come from it.
    ///   - environment: What operations need of the host.
    ///   - group: Where operations without a connection of their own run.
    ///   - workerExecutable: The path of `gantry-worker`; by default it lies beside this executable.
    ///   - meters: Count what happens to the plugins.
    ///   - logger: For the plugins' and the loader's lines.
    /// - Throws: ``PluginError`` for the first plugin or deployment that is refused.
    package init(
        plugins: [PluginDefinition],
        targets: [TargetDefinition],
        cooldown: CooldownRules = CooldownRules(),
        runDirectory: String,
        variables: [String: String],
        environment: OperationEnvironment,
        group: any EventLoopGroup,
        workerExecutable: String = WorkerEnvironment.besideThisExecutable,
        meters: PluginMeterBoard = PluginMeterBoard(),
        logger: Logger
    ) throws(PluginError) {
        var instances: [String: PluginInstance] = [:]
        for plugin in plugins where targets.contains(where: { $0.deployment.plugin == plugin.id }) {
            instances[plugin.id] = try PluginInstance(
                plugin,
                runDirectory: runDirectory,
                environment: variables,
                workers: WorkerEnvironment(executable: workerExecutable, group: group),
                meters: meters.meters(of: plugin.id),
                logger: logger
            )
        }
        for id in instances.keys { meters.meters(of: id).noteLoad(generation: 1) }
        var made: [DeploymentID: PluginTarget] = [:]
        for definition in targets {
            guard let instance = instances[definition.deployment.plugin] else {
                throw PluginError(
                    .configurationRefused,
                    "\(definition.location): there is no plugin \(definition.deployment.plugin)."
                )
            }
            let limits = GateLimits(running: definition.deployment.maximumParallel)
            made[definition.deployment.id] = try PluginTarget(
                definition,
                instance: instance,
                environment: variables,
                gate: DeploymentGate(limits: limits, cooldown: cooldown)
            )
        }
        self.targets = made
        self.meters = meters
        self.environment = environment
        self.group = group
    }

    /// The deployment as its plugin sees it.
    package func target(_ id: DeploymentID) -> PluginTarget? { targets[id] }

    /// The deployments whose lost uploads are dealt with in this way.
    package func deployments(losing lostFiles: LostFiles) -> [DeploymentID] {
        targets.values.filter { $0.lostFiles == lostFiles }.map(\.deployment.id)
    }

    /// Runs an operation to its end.
    ///
    /// When the calling task is cancelled the operation is told so, and this still waits for its end: what it journaled
    /// is then complete.
    package func run(
        _ request: OperationRequest,
        on deployment: DeploymentID,
        journal: Journal? = nil
    ) async throws(OperationFailure) -> OperationResult {
        let target = try known(deployment)
        let loop = group.next()
        let ended = loop.makePromise(of: OperationResult.self)
        let running = NIOLoopBoundBox<OperationDriver?>.makeBoxSendingValue(nil, eventLoop: loop)
        loop.execute {
            let driver = OperationDriver(
                request,
                target: target,
                loop: loop,
                environment: self.environment,
                client: OperationCall(ended: ended, journal: journal, loop: loop)
            )
            running.value = driver
            driver.start()
        }
        do {
            return try await withTaskCancellationHandler {
                try await ended.futureResult.get()
            } onCancel: {
                loop.execute { running.value?.cancel() }
            }
        } catch let failure as OperationFailure {
            throw failure
        } catch {
            throw OperationFailure(.internalError, "The gateway is shutting down.")
        }
    }

    /// Begins an operation whose answer is read piece by piece.
    ///
    /// - Parameters:
    ///   - request: What to do.
    ///   - deployment: For which of the targets.
    ///   - loop: Where it runs: the event loop of the client's connection; nil for any.
    /// - Returns: The pieces; a failure of the operation comes from there.
    /// - Throws: ``OperationFailure`` with `.notFound` if the deployment is not configured.
    package func stream(
        _ request: OperationRequest,
        on deployment: DeploymentID,
        loop: (any EventLoop)? = nil
    ) throws(OperationFailure) -> OperationStream {
        OperationStream(
            request,
            target: try known(deployment),
            loop: loop ?? group.next(),
            environment: environment
        )
    }

    /// Makes an operation whose client is called on an event loop, where it is to be started.
    ///
    /// - Throws: ``OperationFailure`` with `.notFound` if the deployment is not configured.
    package func operation(
        _ request: OperationRequest,
        on deployment: DeploymentID,
        loop: any EventLoop,
        client: any OperationClient
    ) throws(OperationFailure) -> OperationDriver {
        OperationDriver(
            request,
            target: try known(deployment),
            loop: loop,
            environment: environment,
            client: client
        )
    }

    /// The plugin of that id, if a deployment uses it.
    func instance(of plugin: String) -> PluginInstance? {
        targets.values.first { $0.instance.definition.id == plugin }?.instance
    }

    /// An event loop for what has no connection of its own.
    var anyLoop: any EventLoop { group.next() }

    private func known(_ id: DeploymentID) throws(OperationFailure) -> PluginTarget {
        guard let target = targets[id] else {
            throw OperationFailure(.notFound, "The deployment \(id) is not configured any more.")
        }
        return target
    }
}
