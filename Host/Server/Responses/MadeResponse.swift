import HostCore
import HostPlugins
import HostRegistry
import Logging
import NIOCore

/// The response that one operation makes: the id that its client gets for it, and its record.
///
/// It belongs to the event loop of its operation.
final class MadeResponse {
    /// For so long providers keep a response; a day more, since their day may begin later.
    ///
    /// Source: <https://platform.openai.com/docs/guides/conversation-state>, read 2026-11-22.
    private static let lifetimeInSeconds: Int64 = 31 * 86_400
    /// A plugin that names more ids than this is not answering one request.
    private static let mostNames = 16

    /// Whose the response is.
    struct Maker: Sendable {
        let owner: Owner
        let teamID: TeamID?
        /// What the client called the model.
        let modelName: String
    }

    private let services: GatewayServices
    private let maker: Maker
    private let deployment: DeploymentID
    private let requestID: String
    private let loop: any EventLoop
    private var replacement: IDReplacement
    private var kept: [String: ObjectID] = [:]
    private var names = 0
    /// Whether the client has got something of the answer, and with it the id.
    private var isShown = false

    /// Makes the record of an operation that begins.
    ///
    /// - Parameters:
    ///   - maker: Who asks.
    ///   - deployment: Where.
    ///   - references: What the request names: the provider's ids of it may come back.
    ///   - requestID: For the provider's operations.
    ///   - services: What is asked.
    ///   - loop: The operation's.
    init(
        by maker: Maker,
        at deployment: DeploymentID,
        naming references: [OperationReference],
        requestID: String,
        _ services: GatewayServices,
        loop: any EventLoop
    ) {
        self.maker = maker
        self.deployment = deployment
        self.requestID = requestID
        self.services = services
        self.loop = loop
        var replacement = IDReplacement()
        for reference in references where reference.kind != .model {
            replacement.replace(reference.upstreamID, with: reference.clientID)
        }
        self.replacement = replacement
    }

    /// Notes what the plugin says of the response.
    ///
    /// - Returns: What has to be waited for before anything else is done; nil for nothing.
    func journal(_ entry: JournalEntry) -> EventLoopFuture<Void>? {
        switch entry {
        case .remember(kind: "response", let providerID):
            guard kept[providerID] == nil else { return nil }
            guard let id = name(providerID) else { return refused() }
            kept[providerID] = id
            return keep(id, providerID)
        case .remember(kind: "unstored_response", let providerID): return name(providerID) == nil ? refused() : nil
        case .forget(kind: "response", let providerID):
            guard let id = kept.removeValue(forKey: providerID) else { return nil }
            let registry = services.registry
            return loop.makeFutureWithTask { try await registry.dropObject(id) }
        case .remember, .forget: return nil
        }
    }

    /// Gives the provider's id a managed one, which stands in its place from now on.
    private func name(_ providerID: String) -> ObjectID? {
        guard names < Self.mostNames else { return nil }
        names += 1
        let id = ObjectID(.response, uuid: .random())
        replacement.replace(providerID, with: services.objectIDs.text(for: id, at: nil))
        return id
    }

    private func refused() -> EventLoopFuture<Void> {
        loop.makeFailedFuture(OperationFailure(.pluginFailed, "The plugin names too many responses for one request."))
    }

    private func keep(_ id: ObjectID, _ providerID: String) -> EventLoopFuture<Void> {
        let origin = ManagedObject.Origin(
            id: id,
            owner: maker.owner,
            teamID: maker.teamID,
            deployment: deployment,
            modelName: maker.modelName
        )
        let expiry = services.clock.now().advanced(bySeconds: Self.lifetimeInSeconds)
        let (services, requestID) = (services, requestID)
        return loop.makeFutureWithTask {
            do {
                try await services.registry.keepResponse(origin, providerID: providerID, expiresAt: expiry)
            } catch {
                await services.undo(response: providerID, at: origin.deployment, requestID: requestID)
                throw error
            }
        }
    }

    /// A whole text for the client: an event's payload or a result.
    func rewritten(_ text: ByteBuffer) -> ByteBuffer {
        isShown = true
        return ByteBuffer(bytes: text.withUnsafeReadableBytes { replacement.replaced(in: $0) })
    }

    /// The next piece of a text for the client.
    func rewritten(piece: ByteBuffer) -> ByteBuffer {
        isShown = true
        return ByteBuffer(bytes: piece.withUnsafeReadableBytes { replacement.take($0) })
    }

    /// What was kept back of the pieces.
    func finishPieces() -> ByteBuffer { ByteBuffer(bytes: replacement.finish()) }

    /// A failure in the client's words, for a provider names what it does not find.
    func rewritten(_ failure: OperationFailure) -> OperationFailure { failure.renaming(replacement.texts) }

    /// The operation has failed: what its client never heard of is removed.
    func fail() {
        guard !isShown else { return }
        for id in kept.values {
            let registry = services.registry
            loop.makeFutureWithTask { try await registry.abandonObject(id) }
                .whenFailure { [logger = services.logger] error in
                    logger.warning(
                        "a response that nobody knows could not be given up",
                        metadata: ["response.uuid": "\(id.uuid.text)", "error": "\(error)"]
                    )
                }
        }
        kept = [:]
    }
}

extension GatewayServices {
    /// Has a response deleted that could not be written down.
    fileprivate func undo(response providerID: String, at deployment: DeploymentID, requestID: String) async {
        do {
            guard let input = FileInput(id: providerID).json else { return }
            let request = OperationRequest(.responseDelete, requestID: requestID, input: input)
            _ = try await plugins.run(request, on: deployment)
        } catch {
            logger.warning(
                "a response that could not be noted is left at its provider",
                metadata: [
                    "deployment.id": "\(deployment)", "response.provider_id": "\(providerID)",
                    "failure": "\(error)",
                ]
            )
        }
    }
}

extension OperationFailure {
    /// This failure with other texts in the place of a provider's ids; one that has none is left out of the message.
    func renaming(_ texts: [String: String?]) -> OperationFailure {
        var message = message
        for (id, text) in texts where !id.isEmpty { message = message.replacing(id, with: text ?? "…") }
        return OperationFailure(
            reason,
            message,
            parameter: parameter,
            upstreamStatus: upstreamStatus,
            retryAfter: retryAfter,
            isRetryable: isRetryable,
            mayFallBack: mayFallBack
        )
    }
}
