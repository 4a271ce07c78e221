import Hummingbird
import NIOCore

/// What Hummingbird hands over with each request: its channel.
struct SimulatorContext: InitializableFromSource {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) { channel = source.channel }
}
