import HostCore
import HostPlugins
import NIOCore

/// An operation's answer whose first piece has been looked at.
///
/// `@unchecked Sendable`: one task at a time reads it. The route reads the first piece and then hands the answer to the
/// response's body, which alone reads the rest.
final class AnswerStream: @unchecked Sendable {
    let deployment: Deployment
    private var iterator: OperationStream.AsyncIterator
    private let watch: DisconnectWatch
    /// The operation holds the request's body to its end.
    private let share: RequestMemory.Share?

    /// Takes over a running operation and cancels it if the client goes away.
    init(
        _ stream: OperationStream,
        deployment: Deployment,
        channel: any Channel,
        share: RequestMemory.Share? = nil
    ) {
        self.share = share
        self.deployment = deployment
        iterator = stream.makeAsyncIterator()
        watch = DisconnectWatch(channel) { stream.cancel() }
    }

    deinit { watch.stop() }

    /// The next piece.
    ///
    /// - Throws: ``DeploymentFailure``.
    func next() async throws -> OperationPart {
        do {
            if let part = try await iterator.next() { return part }
        } catch let failure as OperationFailure {
            throw DeploymentFailure(deployment: deployment, failure: failure)
        }
        let failure = OperationFailure(.cancelled, "The request was cancelled.")
        throw DeploymentFailure(deployment: deployment, failure: failure)
    }
}
