import NIOCore
import NIOHTTP1

/// Runs a plugin's CREDENTIAL operation for everybody who waits for the token.
///
/// It is nobody's child: the client whose request began it may leave while others wait.
final class CredentialFetch: OperationClient {
    private let scope: String
    private let target: PluginTarget

    private init(scope: String, target: PluginTarget) {
        self.scope = scope
        self.target = target
    }

    /// Begins to get a token; the outcome goes to the target's credential cache.
    static func start(
        scope: String,
        target: PluginTarget,
        loop: any EventLoop,
        environment: OperationEnvironment
    ) {
        guard let input = ScopeInput(scope: scope).json else {
            let failure = OperationFailure(.internalError, "The token's scope is not text.")
            return target.credentials.finish(.failure(failure), scope: scope)
        }
        let driver = OperationDriver(
            OperationRequest(.credential, requestID: "credential", input: input),
            target: target,
            loop: loop,
            environment: environment,
            client: CredentialFetch(scope: scope, target: target)
        )
        driver.start()
    }

    func operationWillJournal(_: JournalEntry) -> EventLoopFuture<Void>? { nil }
    func operationDidBeginPipe(status _: Int, headers _: HTTPHeaders) {}
    func operationDidPipe(_: ByteBuffer) {}
    func operationDidOutput(_: ByteBuffer, event _: String) {}
    func operationDidUse(_: ByteBuffer) {}

    func operationDidEnd(_ outcome: Result<OperationResult, OperationFailure>) {
        let fetched = outcome.flatMap { result -> Result<(token: String, lifetime: Duration), OperationFailure> in
            let token = String(buffer: result.data)
            guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                return .failure(OperationFailure(.upstreamProtocol, "The provider gave no usable access token."))
            }
            return .success((token, .milliseconds(Int64(clamping: result.value))))
        }
        target.credentials.finish(fetched, scope: scope)
    }
}
