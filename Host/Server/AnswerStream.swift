import HostCore
import HostPlugins
import Hummingbird
import NIOCore

/// An operation's answer whose first piece has been looked at.
///
/// `@unchecked Sendable`: one task at a time reads it. The route reads the first piece and then hands the answer to the
/// response's body, which alone reads the rest.
final class AnswerStream: @unchecked Sendable {
    let deployment: Deployment
    private var iterator: OperationStream.AsyncIterator
    private let watch: DisconnectWatch

    /// Takes over a running operation and cancels it if the client goes away.
    init(_ stream: OperationStream, deployment: Deployment, channel: any Channel) {
        self.deployment = deployment
        iterator = stream.makeAsyncIterator()
        watch = DisconnectWatch(channel) { stream.cancel() }
    }

    deinit { watch.stop() }

    /// The first piece that says what kind of answer it is.
    ///
    /// - Throws: ``DeploymentFailure``.
    func firstPart() async throws -> OperationPart {
        while true {
            let part = try await nextPart()
            if case .usage = part { continue }
            return part
        }
    }

    /// Writes what the provider sends, byte for byte.
    ///
    /// - Throws: ``DeploymentFailure``; the rest of the body is then missing, so the connection is cut and the client
    ///   cannot take it for whole.
    func writePiped(to writer: inout any ResponseBodyWriter) async throws {
        while true {
            switch try await nextPart() {
            case .bytes(let bytes): try await writer.write(bytes)
            case .result: return try await writer.finish(nil)
            case .pipe, .event, .usage: continue
            }
        }
    }

    /// The next piece of whatever kind; none comes behind the result.
    ///
    /// - Throws: ``DeploymentFailure``.
    func nextPart() async throws -> OperationPart {
        do {
            if let part = try await iterator.next() { return part }
        } catch let failure as OperationFailure {
            throw DeploymentFailure(deployment: deployment, failure: failure)
        }
        let failure = OperationFailure(.cancelled, "The request was cancelled.")
        throw DeploymentFailure(deployment: deployment, failure: failure)
    }
}
