import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Logging

/// Ends objects that are over at their providers: what they have made becomes their owners', once over all hosts.
struct ObjectSettling: Sendable {
    /// After so many failures in a row an object ends without what cannot be had.
    private static let mostFailures = 12
    private static let timeBetweenSigns: Duration = .seconds(30)

    let form: any PolledKind
    let registry: Registry
    let plugins: PluginHost
    let objectIDs: ObjectIDCodec
    let sweeper: Sweeper
    let clock: any WallClock
    let logger: Logger

    var queries: ObjectQueries { ObjectQueries(plugins: plugins, requestID: "poll") }

    /// Ends an object that its provider has just been found to have ended, unless another host does.
    func begin(_ object: ManagedObject, _ report: ObjectResult) async throws {
        guard try await registry.beginSettling(object.id) else { return }
        try await settle(object, report, mayRetry: true)
    }

    /// Goes on with an object that another host, or this one before, could not end.
    func goOn(_ object: ManagedObject, hasTime: Bool) async throws {
        // It may have waited for its turn until another host took it.
        guard try await registry.continueSettling(object.id) else { return }
        let mayRetry = hasTime && object.state.failures < Self.mostFailures
        let report: ObjectResult
        do throws(OperationFailure) {
            guard let id = object.providerID else { throw OperationFailure(.notFound, "It has no id.") }
            report = try await queries.run(form.getOperation, id, at: object.deployment)
        } catch {
            guard !mayRetry else { return try await registry.postponeObject(object, atLeast: error.retryAfter) }
            let message = "The provider has ended the \(form.kind.noun) and no longer says how."
            return try await fail(object, "lost", message)
        }
        try await settle(object, report, mayRetry: mayRetry)
    }

    /// Ends an object of which nothing more can be known.
    ///
    /// - Parameters:
    ///   - object: What failed.
    ///   - code: What is behind the kind in the error's code.
    ///   - message: What happened.
    /// - Throws: ``RegistryError``.
    func fail(_ object: ManagedObject, _ code: String, _ message: String) async throws {
        var document = try ObjectDocument(object.state.document)
        form.add(errorWithCode: "\(form.kind.rawValue)_\(code)", message, to: &document)
        form.markFailed(&document, at: clock.now())
        try await end(object, "failed", document, ObjectOutcome())
    }

    private func settle(_ object: ManagedObject, _ report: ObjectResult, mayRetry: Bool) async throws {
        var document = try ObjectDocument(object.state.document)
        document.take(form.providerMembers, from: report)
        var outcome = ObjectOutcome()
        do {
            let taken = document
            (outcome, document) = try await withSigns(of: object) {
                var document = taken
                let outcome = try await form.outcome(of: object, report, &document, self)
                return (outcome, document)
            }
        } catch let failure as OperationFailure {
            guard !mayRetry else { return try await registry.postponeObject(object, atLeast: failure.retryAfter) }
            let message = "The results cannot be had: \(failure.message)"
            form.add(errorWithCode: "results_unavailable", message, to: &document)
            outcome.model = form.model(in: report)
        }
        try await end(object, report.status, document, outcome)
    }

    private func end(
        _ object: ManagedObject,
        _ status: String,
        _ document: ObjectDocument,
        _ outcome: ObjectOutcome
    ) async throws {
        let event = object.origin.webhookURL.flatMap { url in
            form.event(of: status).map { WebhookEvent($0, of: objectIDs.text(for: object), to: url) }
        }
        let settlement = ObjectSettlement(
            report: ObjectReport(status: status, document: try document.text()),
            usage: outcome.usage,
            files: outcome.files,
            model: outcome.model,
            checkpoints: outcome.checkpoints,
            event: event
        )
        guard try await registry.settleObject(object.id, settlement) else { return }
        logger.info(
            "an object has ended",
            metadata: [
                "object.kind": "\(form.kind.rawValue)", "object.uuid": "\(object.id.uuid.text)",
                "object.status": "\(status)", "deployment.id": "\(object.deployment)",
            ]
        )
        // Its hidden files have to go.
        if object.origin.derivedID != nil { sweeper.ring() }
    }

    /// Says that this host is at work while it is.
    private func withSigns<Value: Sendable>(
        of object: ManagedObject,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                while true {
                    do { try await Task.sleep(for: Self.timeBetweenSigns) } catch { return nil }
                    guard try await registry.continueSettling(object.id) else { throw CancellationError() }
                }
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}

/// What an object has made.
struct ObjectOutcome: Sendable {
    var files: [ObjectSettlement.ResultFile] = []
    /// The name of a model.
    var model: String?
    /// The names of models.
    var checkpoints: [String] = []
    /// As JSON.
    var usage: String?
}
