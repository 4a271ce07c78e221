/// Wakes a service that looks for work: when somebody rings, and regularly.
///
/// Rings that come while the service is at work become one.
package struct Bell: Sendable {
    /// The service waits here; may be iterated once.
    package let rings: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    /// Makes a bell that nobody has rung.
    package init() { (rings, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// Wakes the service, or has it look once more.
    package func ring() { continuation.yield() }

    /// Rings at once and then regularly, until the calling task is cancelled.
    package func ring(every interval: Duration) async {
        while !Task.isCancelled {
            ring()
            do { try await Task.sleep(for: interval) } catch { return }
        }
    }
}
