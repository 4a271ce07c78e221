import HostCore
import HostFunctions
import HostPluginABI
import Synchronization

/// What a worker is told beside its steps; each waits for the answer.
extension WorkerPool {
    /// Makes the instance of the plugin's configuration.
    func makeInstance(in process: WorkerProcess) throws(PluginError) {
        do {
            try process.makeInstance(setup.configuration, setup.services)
        } catch {
            throw plan.error(error, location: setup.location, secrets: setup.secrets)
        }
    }

    /// Makes a target.
    func make(_ target: WorkerTarget, _ number: UInt32, in process: WorkerProcess) throws(PluginError) {
        do {
            try process.makeTarget(number, target.parameters, setup.services)
        } catch {
            throw plan.error(error, location: target.location, secrets: setup.secrets)
        }
    }

    /// Frees a target; a worker that cannot is ended.
    func release(_ number: UInt32, in worker: WorkerState) {
        do {
            try worker.process.freeTarget(number, setup.services)
        } catch {
            guard !worker.isOver else { return }
            worker.kill(WorkerFault(cause: .silence, text: "did not free a target"))
        }
    }

    /// Has it give up everything that a step does not need.
    func seal(_ process: WorkerProcess) throws(PluginError) {
        do {
            let sealed = try process.seal()
            state.withLock { $0.sandbox = sealed }
        } catch {
            throw plan.error(error, location: plan.definition.libraryPath, secrets: setup.secrets)
        }
    }
}

extension WorkerPool.Plan {
    /// What each worker opens.
    var loadMessage: LoadMessage {
        LoadMessage(
            path: image.path,
            dataSockets: environment.loops.count,
            memoryLimitInBytes: UInt64(limits.memoryInBytes),
            bindings: image.functions?.plan.encoded ?? [],
            folders: image.functions.map { [$0.plan.folder] } ?? []
        )
    }

    /// What a control message failed with, as an error of the plugin.
    func error(_ error: any Error, location: String, secrets: SecretStore? = nil) -> PluginError {
        guard let refusal = error as? RefusedMessage else {
            return PluginError(.workerFailed, "\(location): the worker of \(definition.id) failed: \(error).")
        }
        let message = secrets?.masked(refusal.message) ?? refusal.message
        let parameter = refusal.parameter.isEmpty ? "" : "\(secrets?.masked(refusal.parameter) ?? refusal.parameter): "
        switch refusal.reason {
        case .libraryRefused, .functionRefused: return PluginError(.libraryRefused, "\(location): \(message)")
        case .incompatible: return PluginError(.incompatible, "\(location): \(message)")
        case .configurationRefused:
            let why =
                message.isEmpty
                ? "the plugin refused it without a reason (status \(refusal.status)). Look at the plugin's log lines."
                : parameter + message
            return PluginError(.configurationRefused, "\(location): \(why)")
        case .unsupported, .noSandbox: return PluginError(.workerFailed, "\(location): \(message)")
        }
    }
}

extension PluginFacts {
    /// What a worker reports of the library that it has opened.
    init(_ facts: FactsMessage, _ image: PluginImage) throws(PluginError) {
        let described: Result<PluginFacts, PluginError> = facts.description.withUnsafeBytes { bytes in
            do throws(PluginError) {
                return .success(
                    try PluginFacts(
                        id: facts.id,
                        version: facts.version,
                        operations: facts.operations,
                        flags: facts.flags,
                        describe: bytes,
                        sha256: image.sha256,
                        library: image.origin
                    )
                )
            } catch {
                return .failure(error)
            }
        }
        self = try described.get()
    }
}
