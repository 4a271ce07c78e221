import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Logging

/// Ends batches that are over at their providers: what they have made becomes their owners', once over all hosts.
struct BatchSettling: Sendable {
    /// After so many failures in a row a batch ends without what cannot be had.
    private static let mostFailures = 12
    private static let timeBetweenSigns: Duration = .seconds(30)

    let registry: Registry
    let plugins: PluginHost
    let objectIDs: ObjectIDCodec
    let sweeper: Sweeper
    let clock: any WallClock
    let logger: Logger

    var queries: BatchQueries { BatchQueries(plugins: plugins, requestID: "batches") }

    /// Ends a batch that its provider has just been found to have ended, unless another host does.
    func begin(_ batch: ManagedObject, _ report: ObjectResult) async throws {
        guard try await registry.beginSettling(batch.id) else { return }
        try await settle(batch, report, mayRetry: true)
    }

    /// Goes on with a batch that another host, or this one before, could not end.
    func goOn(_ batch: ManagedObject, hasTime: Bool) async throws {
        let mayRetry = hasTime && batch.state.failures < Self.mostFailures
        let report: ObjectResult
        do throws(OperationFailure) {
            guard let id = batch.providerID else { throw OperationFailure(.notFound, "The batch has no id.") }
            report = try await queries.run(.batchGet, id, at: batch.deployment)
        } catch {
            guard !mayRetry else { return try await registry.postponeObject(batch, atLeast: error.retryAfter) }
            return try await fail(batch, "batch_lost", "The provider has ended the batch and no longer says how.")
        }
        try await settle(batch, report, mayRetry: mayRetry)
    }

    /// Ends a batch of which nothing more can be known.
    func fail(_ batch: ManagedObject, _ code: String, _ message: String) async throws {
        var document = try ObjectDocument(batch.state.document)
        document.add(errorWithCode: code, message)
        document.members["failed_at"] = .integer(clock.now().secondsSince1970)
        try await end(batch, BatchStatus.failed.rawValue, document, BatchResult())
    }

    private func settle(_ batch: ManagedObject, _ report: ObjectResult, mayRetry: Bool) async throws {
        var document = try ObjectDocument(batch.state.document)
        document.take(BatchObject.providerMembers, from: report)
        var result = BatchResult()
        do {
            result = try await withSigns(of: batch) { try await read(batch, report) }
        } catch let failure as OperationFailure {
            guard !mayRetry else { return try await registry.postponeObject(batch, atLeast: failure.retryAfter) }
            document.add(errorWithCode: "results_unavailable", "The results cannot be had: \(failure.message)")
        }
        try await end(batch, report.status, document, result)
    }

    private func end(
        _ batch: ManagedObject,
        _ status: String,
        _ document: ObjectDocument,
        _ result: BatchResult
    ) async throws {
        let event = batch.origin.webhookURL.flatMap { url in
            WebhookEvent.Kind(batchStatus: status).map { WebhookEvent($0, of: objectIDs.text(for: batch), to: url) }
        }
        let settlement = ObjectSettlement(
            report: ObjectReport(status: status, document: try document.text()),
            usage: result.usage,
            files: result.files,
            event: event
        )
        guard try await registry.settleObject(batch.id, settlement) else { return }
        logger.info(
            "a batch has ended",
            metadata: [
                "object.uuid": "\(batch.id.uuid.text)", "deployment.id": "\(batch.deployment)",
                "batch.status": "\(status)",
            ]
        )
        sweeper.ring()
    }

    /// Says that this host is at work while it is.
    private func withSigns(
        of batch: ManagedObject,
        _ work: @escaping @Sendable () async throws -> BatchResult
    ) async throws -> BatchResult {
        try await withThrowingTaskGroup(of: BatchResult?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                while true {
                    do { try await Task.sleep(for: Self.timeBetweenSigns) } catch { return nil }
                    try await registry.continueSettling(batch.id)
                }
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    private func read(_ batch: ManagedObject, _ report: ObjectResult) async throws -> BatchResult {
        try await BatchResultReader(settling: self, batch: batch, report: report).read()
    }
}

/// What a batch has made.
struct BatchResult: Sendable {
    var files: [ObjectSettlement.ResultFile] = []
    /// As JSON.
    var usage: String?
}

extension ObjectDocument {
    /// Adds an error in the form of OpenAI's batches.
    fileprivate mutating func add(errorWithCode code: String, _ message: String) {
        var errors: [ConfigurationValue] = []
        if case .map(let list) = self["errors"], case .list(let data)? = list["data"] { errors = data }
        errors.append(
            .map(["code": .string(code), "message": .string(message), "param": .null, "line": .null])
        )
        members["errors"] = .map(["object": .string("list"), "data": .list(errors)])
    }
}
