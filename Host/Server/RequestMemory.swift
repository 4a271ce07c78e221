import HTTPTypes
import Synchronization

/// How many bytes of request bodies are held at once: what is over the limit is refused, so that many large requests
/// cannot fill the memory.
final class RequestMemory: Sendable {
    /// A share of the memory, given back when nobody holds it any more.
    final class Share: Sendable {
        private let memory: RequestMemory
        private let bytes: Int64

        fileprivate init(_ memory: RequestMemory, bytes: Int64) {
            self.memory = memory
            self.bytes = bytes
        }

        deinit { memory.state.withLock { $0.held -= bytes } }
    }

    private let state: Mutex<(limit: Int64, held: Int64)>

    init(limitInBytes: Int64) { state = Mutex((limitInBytes, 0)) }

    /// From now on as much is held; what is held goes on.
    func follow(limitInBytes: Int64) { state.withLock { $0.limit = limitInBytes } }

    /// Takes a share for one body.
    ///
    /// - Throws: ``GatewayError`` with 503 and Retry-After while others hold too much.
    func share(ofBytes bytes: Int64) throws(GatewayError) -> Share {
        let isGranted = state.withLock { state in
            guard state.held + bytes <= state.limit else { return false }
            state.held += bytes
            return true
        }
        guard isGranted else {
            throw GatewayError(
                .serviceUnavailable,
                type: "api_error",
                code: "overloaded",
                message: "Too many large requests are being served. Send this one again in a moment.",
                retryAfter: 1
            )
        }
        return Share(self, bytes: bytes)
    }
}
