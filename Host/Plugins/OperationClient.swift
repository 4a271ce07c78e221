import NIOCore
import NIOHTTP1

/// Who an operation works for; every call comes on the operation's event loop.
package protocol OperationClient: AnyObject {
    /// A provider object exists, or exists no longer; the operation goes on when the future succeeds and ends with
    /// `.journalUnavailable` when it fails. Nil if there is nothing to wait for.
    func operationWillJournal(_ entry: JournalEntry) -> EventLoopFuture<Void>?
    /// The provider's answer goes to the client as it is; bytes follow.
    func operationDidBeginPipe(status: Int, headers: HTTPHeaders)
    /// Bytes of the provider's answer.
    func operationDidPipe(_ bytes: ByteBuffer)
    /// The payload of one server-sent event, with its name or an empty one.
    func operationDidOutput(_ payload: ByteBuffer, event: String)
    /// Token usage as JSON.
    func operationDidUse(_ usage: ByteBuffer)
    /// The last call.
    func operationDidEnd(_ outcome: Result<OperationResult, OperationFailure>)
}
