import Dispatch
import Foundation

/// SIGTERM and SIGINT, which end the process by themselves no longer once they are waited for.
enum TerminationSignals {
    /// Returns at the first signal, or when the task is cancelled.
    static func next() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield() }
            source.activate()
            return source
        }
        defer {
            for source in sources { source.cancel() }
        }
        for await _ in stream { return }
    }
}
