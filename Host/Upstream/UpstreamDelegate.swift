import NIOCore
import NIOHTTP1

/// Receives one answer.
///
/// All calls come on the event loop of the exchange and none from inside ``UpstreamClient/send(_:on:delegate:)``. A head is
/// followed by any number of body pieces; then exactly one of end and failure. Nothing comes after that, after
/// ``UpstreamExchange/cancel()``, or while the exchange is paused, except a failure because a deadline passed.
package protocol UpstreamDelegate: AnyObject {
    /// Receives status and headers of the final answer; informational ones are left out.
    func upstreamDidReceiveHead(status: Int, headers: HTTPHeaders)
    /// Receives the next piece of the body.
    func upstreamDidReceiveBody(_ bytes: ByteBuffer)
    /// The answer is complete.
    func upstreamDidEnd(trailers: HTTPHeaders?)
    /// There will be no answer, or no more of it.
    func upstreamDidFail(_ error: UpstreamError)
}
