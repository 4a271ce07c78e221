import HostCore
import Hummingbird
import Logging
import NIOCore

/// What is known of a request before anybody has said who asks.
package struct GatewayContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The client's connection.
    let channel: any Channel
    let receivedAt: ContinuousClock.Instant
    /// Names this request in logs and in the answer's `x-gantry-call-id`.
    let callID: String

    /// Makes the context of a request.
    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        receivedAt = .now
        callID = RecordUUID.random().text
    }

    /// The largest body that Hummingbird's own decoders take: those of the administrators' routes.
    package var maxUploadSize: Int { 1 << 20 }
}
