import NIOCore

/// Calls back once if the client's connection closes before ``stop()``.
final class DisconnectWatch: Sendable {
    private let channel: any Channel
    private let ticket: NIOLoopBoundBox<UInt64?>

    /// Begins to watch.
    init(_ channel: any Channel, _ action: @escaping @Sendable () -> Void) {
        self.channel = channel
        ticket = NIOLoopBoundBox.makeBoxSendingValue(nil, eventLoop: channel.eventLoop)
        channel.eventLoop.execute {
            do {
                let connection = try channel.pipeline.syncOperations.handler(type: ConnectionGuard.self)
                self.ticket.value = connection.onDisconnect(action)
            } catch {
                // A closed connection has no handlers any more.
                action()
            }
        }
    }

    /// Takes the callback back.
    func stop() {
        channel.eventLoop.execute {
            guard let ticket = self.ticket.value else { return }
            do {
                try self.channel.pipeline.syncOperations.handler(type: ConnectionGuard.self).forget(ticket)
            } catch {
                // The connection has closed and has called back already.
                self.ticket.value = nil
            }
        }
    }
}

/// Runs work for a client and cancels it when the client's connection closes.
///
/// The work is waited for in any case, so that what it began is finished or undone before this returns.
///
/// - Throws: What the work throws; it sees the disconnection as the cancellation of its task.
func cancellingOnDisconnect<Value: Sendable>(
    of channel: any Channel,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    // Cancelled from the event loop and awaited here: a child of a task group could not be reached from there.
    let task = Task(operation: work)
    let watch = DisconnectWatch(channel) { task.cancel() }
    defer { watch.stop() }
    return try await withTaskCancellationHandler {
        try await task.value
    } onCancel: {
        task.cancel()
    }
}
