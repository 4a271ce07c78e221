import HostCore
import Logging
import NIOCore
import Synchronization

/// The plugins and deployments that are served, which change while it runs.
package final class PluginHost: Sendable {
    private let environment: OperationEnvironment
    private let group: any EventLoopGroup
    private let loader: PluginLoader
    private let present = Mutex(PluginSnapshot.empty)
    /// Held while a change is made.
    private let changing = Mutex(())
    /// What is counted of every plugin.
    package let meters: PluginMeterBoard

    /// Makes a host that serves nothing until ``apply(_:)``.
    ///
    /// - Parameters:
    ///   - runDirectory: Where private copies of the libraries are put.
    ///   - environment: What operations need of the host.
    ///   - group: Where operations without a connection of their own run.
    ///   - workerExecutable: The path of `gantry-worker`; by default it lies beside this executable.
    ///   - meters: Count what happens to the plugins.
    ///   - logger: For the plugins' and the loader's lines.
    package init(
        runDirectory: String,
        environment: OperationEnvironment,
        group: any EventLoopGroup,
        workerExecutable: String = HostExecutable.worker,
        meters: PluginMeterBoard = PluginMeterBoard(),
        logger: Logger
    ) {
        self.environment = environment
        self.group = group
        self.meters = meters
        loader = PluginLoader(
            runDirectory: runDirectory,
            workers: WorkerEnvironment(executable: workerExecutable, group: group),
            meters: meters,
            logger: logger
        )
    }

    /// Removes private copies of libraries that were left by processes that are gone; those of others that run stay.
    package func removeUnusedCopies() { loader.removeUnusedCopies() }

    /// Serves what a plan says from now on; operations that run end on what they began with.
    ///
    /// Blocks while libraries are read and opened: not for an event loop. What has not changed stays as it is, to the
    /// object; what is refused leaves in its place what was there before. An instance is freed with the last operation
    /// that runs on it.
    ///
    /// - Parameter plan: All there is to be.
    /// - Returns: What became of each part of the plan.
    @discardableResult
    package func apply(_ plan: PluginPlan) -> PluginReport {
        changing.withLock { _ in
            let old = present.withLock { $0 }
            let change = PluginChange(old, plan, loader: loader)
            let snapshot = change.snapshot
            present.withLock { $0 = snapshot }
            change.settleGates()
            return change.report
        }
    }

    /// What is served now, or what the request of this task began with.
    package var current: PluginSnapshot { PluginSnapshot.pinned ?? present.withLock { $0 } }

    /// The deployment as its plugin sees it.
    package func target(_ id: DeploymentID) -> PluginTarget? { current.target(id) }

    /// The deployments whose lost uploads are dealt with in this way.
    package func deployments(losing lostFiles: LostFiles) -> [DeploymentID] {
        current.targets.values.filter { $0.lostFiles == lostFiles }.map(\.deployment.id)
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
        let target = try current.known(deployment)
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
    /// - Throws: ``OperationFailure`` with `.notFound` if the deployment is not configured, or `.pluginFailed`.
    package func stream(
        _ request: OperationRequest,
        on deployment: DeploymentID,
        loop: (any EventLoop)? = nil
    ) throws(OperationFailure) -> OperationStream {
        OperationStream(
            request,
            target: try current.known(deployment),
            loop: loop ?? group.next(),
            environment: environment
        )
    }

    /// Makes an operation whose client is called on an event loop, where it is to be started.
    ///
    /// - Parameters:
    ///   - request: What to do.
    ///   - deployment: For which of the targets.
    ///   - snapshot: Where the deployment was found.
    ///   - loop: Where the operation runs.
    ///   - client: Is told what comes of it.
    /// - Returns: The operation, which has not begun.
    /// - Throws: ``OperationFailure`` with `.notFound` if the deployment is not configured, or `.pluginFailed`.
    package func operation(
        _ request: OperationRequest,
        on deployment: DeploymentID,
        of snapshot: PluginSnapshot,
        loop: any EventLoop,
        client: any OperationClient
    ) throws(OperationFailure) -> OperationDriver {
        OperationDriver(
            request,
            target: try snapshot.known(deployment),
            loop: loop,
            environment: environment,
            client: client
        )
    }

    /// The plugin of that id, if a deployment uses it.
    func instance(of plugin: String) -> PluginInstance? { current.plugins[plugin]?.instance }

    /// An event loop for what has no connection of its own.
    var anyLoop: any EventLoop { group.next() }
}
