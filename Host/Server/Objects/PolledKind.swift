import HostCore
import HostPlugins

/// What batches and fine-tuning jobs differ in, as far as they are asked about, ended and removed.
protocol PolledKind: Sendable {
    var kind: ManagedObjectKind { get }
    /// The operations of the kind.
    var getOperation: OperationKind { get }
    var cancelOperation: OperationKind { get }
    var listOperation: OperationKind { get }
    /// What a provider says and a client is shown as it is.
    var providerMembers: [String] { get }
    /// What clients see of an object whose provider's word nobody knows.
    var runningStatus: String { get }
    /// What clients see while the provider has ended an object and its results are not yet its owner's.
    var unsettledStatus: String { get }
    /// The status that says that a cancellation was asked for, if there is one.
    var cancelling: String? { get }

    /// Whether this is one of OpenAI's words.
    func isKnown(_ status: String) -> Bool
    /// Whether an object stays there.
    func isTerminal(_ status: String) -> Bool
    /// Whether an object has been open for longer than any provider takes.
    func isTooOld(_ object: ManagedObject, at now: UnixTime) -> Bool
    /// The message about an object that ended with a status.
    func event(of status: String) -> WebhookEvent.Kind?
    /// Adds an error in OpenAI's form.
    func add(errorWithCode code: String, _ message: String, to document: inout ObjectDocument)
    /// Says that an object failed just now.
    func markFailed(_ document: inout ObjectDocument, at now: UnixTime)
    /// The provider's ids of the files that it has made of an object that is not wanted.
    func resultFiles(in report: ObjectResult) -> [String]
    /// The name of the model that an object has made.
    func model(in report: ObjectResult) -> String?
    /// What a search for an object is asked by.
    func search(for object: ManagedObject, of input: String, since: UnixTime, after: String?) -> ObjectSearchInput
    /// The provider's id of the input that an object is, or would have been, made of; nil if nobody was asked for it.
    func input(of object: ManagedObject, in settling: ObjectSettling) async throws -> String?
    /// Finds out what an object that is over has made.
    ///
    /// - Throws: ``OperationFailure`` of a provider that cannot be asked now.
    func outcome(
        of object: ManagedObject,
        _ report: ObjectResult,
        _ document: inout ObjectDocument,
        _ settling: ObjectSettling
    ) async throws -> ObjectOutcome
}

extension PolledKind {
    /// What clients see of an object that has not been settled.
    func open(_ status: String) -> String {
        guard isKnown(status) else { return runningStatus }
        return isTerminal(status) ? unsettledStatus : status
    }
}
