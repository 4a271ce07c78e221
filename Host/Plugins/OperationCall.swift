import NIOCore
import NIOHTTP1

/// Writes down what exists at a provider; throws if it cannot.
package typealias Journal = @Sendable (JournalEntry) async throws -> Void

/// The client of an operation that answers with a result and nothing else.
final class OperationCall: OperationClient {
    private let ended: EventLoopPromise<OperationResult>
    private let journal: Journal?
    private let loop: any EventLoop

    init(ended: EventLoopPromise<OperationResult>, journal: Journal?, loop: any EventLoop) {
        self.ended = ended
        self.journal = journal
        self.loop = loop
    }

    func operationWillJournal(_ entry: JournalEntry) -> EventLoopFuture<Void>? {
        guard let journal else { return nil }
        return loop.makeFutureWithTask { try await journal(entry) }
    }

    // A plugin that pipes or outputs here gives its client nothing to see; the result still counts.
    func operationDidBeginPipe(status _: Int, headers _: HTTPHeaders) {}
    func operationDidPipe(_: ByteBuffer) {}
    func operationDidOutput(_: ByteBuffer, event _: String) {}
    func operationDidUse(_: ByteBuffer) {}

    func operationDidEnd(_ outcome: Result<OperationResult, OperationFailure>) {
        ended.completeWith(outcome.mapError { $0 })
    }
}
