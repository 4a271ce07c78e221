import HostCore
import HostPlugins
import HostRegistry

/// Batches, as objects that are asked about.
struct BatchKind: PolledKind {
    /// The completion window, and the days that providers let a batch wait before it.
    private static let longestLifeInSeconds: Int64 = 5 * 86_400

    let kind = ManagedObjectKind.batch
    let getOperation = OperationKind.batchGet
    let cancelOperation = OperationKind.batchCancel
    let listOperation = OperationKind.batchList
    let providerMembers = BatchObject.providerMembers
    let runningStatus = BatchStatus.inProgress.rawValue
    let unsettledStatus = BatchStatus.finalizing.rawValue
    let cancelling: String? = BatchStatus.cancelling.rawValue

    func isKnown(_ status: String) -> Bool { BatchStatus(status) != nil }

    func isTerminal(_ status: String) -> Bool { BatchStatus(status)?.isTerminal ?? false }

    func isTooOld(_ batch: ManagedObject, at now: UnixTime) -> Bool {
        now.secondsSince1970 - batch.createdAt.secondsSince1970 > Self.longestLifeInSeconds
    }

    func event(of status: String) -> WebhookEvent.Kind? { WebhookEvent.Kind(batchStatus: status) }

    func add(errorWithCode code: String, _ message: String, to document: inout ObjectDocument) {
        var errors: [ConfigurationValue] = []
        if case .map(let list) = document["errors"], case .list(let data)? = list["data"] { errors = data }
        errors.append(
            .map(["code": .string(code), "message": .string(message), "param": .null, "line": .null])
        )
        document.members["errors"] = .map(["object": .string("list"), "data": .list(errors)])
    }

    func markFailed(_ document: inout ObjectDocument, at now: UnixTime) {
        document.members["failed_at"] = .integer(now.secondsSince1970)
    }

    func resultFiles(in report: ObjectResult) -> [String] {
        ["output_file_id", "error_file_id"].compactMap { member in
            if case .string(let file)? = report.members[member] { file } else { nil }
        }
    }

    func model(in _: ObjectResult) -> String? { nil }

    func search(for batch: ManagedObject, of input: String, since: UnixTime, after: String?) -> ObjectSearchInput {
        ObjectSearchInput(
            name: batch.id.uuid.text,
            inputFileID: input,
            since: since.secondsSince1970,
            after: after
        )
    }

    func input(of batch: ManagedObject, in settling: ObjectSettling) async throws -> String? {
        try await settling.registry.hiddenCopy(batch.origin.derivedID)
    }

    func outcome(
        of batch: ManagedObject,
        _ report: ObjectResult,
        _: inout ObjectDocument,
        _ settling: ObjectSettling
    ) async throws -> ObjectOutcome {
        try await BatchResultReader(settling: settling, batch: batch, report: report).read()
    }
}
