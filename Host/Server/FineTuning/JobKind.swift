import HostCore
import HostPlugins
import HostRegistry

/// Fine-tuning jobs, as objects that are asked about.
struct JobKind: PolledKind {
    private static let longestLifeInSeconds: Int64 = 30 * 86_400

    let kind = ManagedObjectKind.job
    let getOperation = OperationKind.tuneGet
    let cancelOperation = OperationKind.tuneCancel
    let listOperation = OperationKind.tuneList
    let providerMembers = JobObject.providerMembers
    let runningStatus = JobStatus.running.rawValue
    let unsettledStatus = JobStatus.running.rawValue
    let cancelling: String? = nil

    func isKnown(_ status: String) -> Bool { JobStatus(status) != nil }

    func isTerminal(_ status: String) -> Bool { JobStatus(status)?.isTerminal ?? false }

    /// A job that its owner has paused waits for its owner.
    func isTooOld(_ job: ManagedObject, at now: UnixTime) -> Bool {
        job.state.status != JobStatus.paused.rawValue
            && now.secondsSince1970 - job.createdAt.secondsSince1970 > Self.longestLifeInSeconds
    }

    func event(of status: String) -> WebhookEvent.Kind? { WebhookEvent.Kind(jobStatus: status) }

    /// A provider's own error says more than what could not be had because of it.
    func add(errorWithCode code: String, _ message: String, to document: inout ObjectDocument) {
        guard document["error"] == .null else { return }
        document.members["error"] = .map(["code": .string(code), "message": .string(message), "param": .null])
    }

    func markFailed(_ document: inout ObjectDocument, at now: UnixTime) {
        document.members["finished_at"] = .integer(now.secondsSince1970)
    }

    func resultFiles(in report: ObjectResult) -> [String] { JobResultReader.files(in: report) }

    func model(in report: ObjectResult) -> String? {
        guard report.status == JobStatus.succeeded.rawValue,
            case .string(let name)? = report.members["fine_tuned_model"]
        else { return nil }
        return name
    }

    func search(for job: ManagedObject, of input: String, since: UnixTime, after: String?) -> ObjectSearchInput {
        ObjectSearchInput(
            name: job.id.uuid.text,
            trainingFile: input,
            since: since.secondsSince1970,
            after: after
        )
    }

    /// The hidden file, if there is to be one, else the copy of the training file that the job was to be made of.
    func input(of job: ManagedObject, in settling: ObjectSettling) async throws -> String? {
        if job.origin.derivedID != nil { return try await settling.registry.hiddenCopy(job.origin.derivedID) }
        return try JobFiles(ObjectDocument(job.state.document)).training
    }

    func outcome(
        of job: ManagedObject,
        _ report: ObjectResult,
        _ document: inout ObjectDocument,
        _ settling: ObjectSettling
    ) async throws -> ObjectOutcome {
        try await JobResultReader(settling: settling, job: job, report: report).read(into: &document)
    }
}
