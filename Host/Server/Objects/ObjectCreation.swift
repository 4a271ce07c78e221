import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Logging
import Synchronization

/// Makes a batch or a job at a provider: first its record, then its hidden files, then the object.
///
/// Whatever fails is undone; what cannot be undone now is found by the keeper, on this host or another.
struct ObjectCreation: Sendable {
    /// An object that is about to be made, with its hidden files in place.
    struct Plan: Sendable {
        let operation: OperationKind
        /// What REMEMBER calls it.
        let journalKind: String
        let form: any PolledKind
        let deployment: Deployment
    }

    let services: GatewayServices
    let callID: String

    /// Makes an object.
    ///
    /// - Parameters:
    ///   - origin: What is fixed of it.
    ///   - status: What clients see until the provider has said something.
    ///   - document: What clients are shown.
    ///   - plan: How it is made.
    ///   - inputs: Makes the hidden files, and the operation's input of them; may add to the document.
    /// - Returns: The object.
    /// - Throws: What making the inputs throws; ``DeploymentFailure`` of the provider that does not take it.
    func create(
        _ origin: ManagedObject.Origin,
        status: String,
        _ document: ObjectDocument,
        by plan: Plan,
        inputs: (inout ObjectDocument) async throws -> any OperationInput
    ) async throws -> ManagedObject {
        let report = ObjectReport(status: status, document: try document.text())
        let begun = try await services.registry.beginObject(origin, report)
        var document = document
        let input: any OperationInput
        do {
            input = try await inputs(&document)
        } catch {
            await drop(begun)
            throw error
        }
        return try await make(begun, input, document, by: plan)
    }

    // MARK: The hidden files

    /// Makes a hidden file, which goes to one provider.
    ///
    /// - Parameters:
    ///   - new: The file.
    ///   - target: Where it goes.
    ///   - create: Asks the provider for the copy.
    /// - Returns: The provider's id of it.
    /// - Throws: What `create` throws; ``RegistryError``.
    func makeHidden(
        _ new: NewFile,
        at target: Deployment,
        by create: (ManagedFile) async throws -> Void
    ) async throws -> String {
        guard case .begun(let file) = try await services.registry.beginFile(new, targets: [target.id]) else {
            preconditionFailure("A file without an idempotency key is always begun.")
        }
        do {
            try await create(file)
            let made = try await services.registry.commitFile(file.id, as: .internal)
            guard let id = made.copies.first?.providerID else {
                throw RegistryError(.conflict, "The derived input has no copy.")
            }
            return id
        } catch {
            await abandon(file)
            throw error
        }
    }

    /// Makes the form of a file that a provider wants, which its plugin writes from the lines.
    ///
    /// - Parameters:
    ///   - file: The hidden file.
    ///   - target: Where it goes.
    ///   - endpoint: What the requests of a batch are for.
    ///   - bytes: How long the client's file is.
    ///   - lines: Makes the reader of the client's lines.
    /// - Throws: ``FanOutFailure``.
    func createInput(
        of file: ManagedFile,
        at target: Deployment,
        endpoint: String? = nil,
        bytes: Int64,
        lines: () -> InputLines
    ) async throws(FanOutFailure) {
        try await services.fanOut.create(file, at: [target], requestID: callID) {
            let input = InputCreateInput(
                purpose: file.purpose.rawValue,
                name: file.newObjectName(),
                bytes: bytes,
                endpoint: endpoint
            )
            guard let json = input.json else { preconditionFailure("text and numbers can be written as JSON") }
            return OperationRequest(.inputCreate, requestID: callID, input: json, lines: lines())
        }
    }

    private func abandon(_ file: ManagedFile) async {
        do {
            let isGone = try await services.registry.abandonFile(file.id)
            if !isGone { services.sweeper.ring() }
        } catch {
            // What was committed is discarded with the object's record.
            log("a derived input is left to the next sweep", error)
        }
    }

    // MARK: The object

    private func make(
        _ object: ManagedObject,
        _ input: any OperationInput,
        _ document: ObjectDocument,
        by plan: Plan
    ) async throws -> ManagedObject {
        guard let json = input.json else { preconditionFailure("text and numbers can be written as JSON") }
        let exists = Mutex(false)
        do {
            let request = OperationRequest(plan.operation, requestID: callID, input: json)
            let result = try await services.plugins.run(request, on: plan.deployment.id) {
                [registry = services.registry] entry in
                guard case .remember(plan.journalKind, let id) = entry else { return }
                exists.withLock { $0 = true }
                try await registry.remember(object.id, providerID: id)
            }
            let created = try ObjectResult(result)
            try await services.registry.remember(object.id, providerID: created.id)
            try Task.checkCancellation()
            var document = document
            document.take(plan.form.providerMembers, from: created)
            // What has ended already is looked at at once.
            let report = ObjectReport(status: plan.form.open(created.status), document: try document.text())
            let pause = plan.form.isTerminal(created.status) ? 0 : services.keeper.firstPause
            return try await services.registry.openObject(object.id, report, due: pause)
        } catch let failure as OperationFailure {
            // What was named exists, whatever the plugin says afterwards.
            if failure.mayHaveActed || exists.withLock({ $0 }) { await giveUp(object) } else { await drop(object) }
            throw DeploymentFailure(deployment: plan.deployment, failure: failure)
        } catch {
            await giveUp(object)
            throw error
        }
    }

    /// Leaves an object that may exist to the keeper, which removes it.
    private func giveUp(_ object: ManagedObject) async {
        do {
            try await services.registry.abandonObject(object.id)
            services.keeper.ring()
        } catch {
            log("an object that could not be made is left to the next sweep", error)
        }
    }

    /// Removes the record of an object of which nothing exists.
    private func drop(_ object: ManagedObject) async {
        do {
            try await services.registry.dropObject(object.id)
            services.sweeper.ring()
        } catch {
            log("the record of an object that could not be made is left to the next sweep", error)
        }
    }

    private func log(_ message: Logger.Message, _ error: any Error) {
        services.logger.warning(message, metadata: ["call.id": "\(callID)", "error": "\(error)"])
    }
}
