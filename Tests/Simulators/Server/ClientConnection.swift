import NIOCore
import Synchronization

/// The client closed its connection before it had its answer.
struct ClientGone: Error {}

/// One client's connection: tells when the client leaves, and can be cut.
final class ClientConnection: Sendable {
    private struct State {
        var isGone = false
        var nextWaiter = 0
        var waiters: [Int: AsyncStream<Never>.Continuation] = [:]
    }

    private let channel: any Channel
    private let state = Mutex(State())

    init(channel: any Channel) { self.channel = channel }

    var isGone: Bool { state.withLock { $0.isGone } }

    /// Notes that the client sends no more and wakes whoever waits.
    func markGone() {
        let waiters = state.withLock { state in
            state.isGone = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.finish() }
    }

    /// Waits until the client is gone or the task is cancelled.
    func untilGone() async {
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        let waiter: Int? = state.withLock { state in
            guard !state.isGone else { return nil }
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = continuation
            return state.nextWaiter
        }
        guard let waiter else { return }
        for await _ in stream {}
        state.withLock { $0.waiters[waiter] = nil }
    }

    /// Waits for `duration`.
    ///
    /// - Throws: ``ClientGone`` as soon as the client leaves, `CancellationError` when the simulator stops.
    func pause(for duration: Duration) async throws {
        try await pause { try await Task.sleep(for: duration) }
    }

    /// Waits for the end of a wait, which heeds the cancellation of its task.
    ///
    /// - Throws: ``ClientGone`` as soon as the client leaves; what the wait throws.
    func pause(until wait: @escaping @Sendable () async throws -> Void) async throws {
        let isGone = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await wait()
                return false
            }
            group.addTask {
                await self.untilGone()
                return true
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
        if isGone { throw ClientGone() }
    }

    /// Sends bytes past the HTTP encoder, after everything written before; returns when they are in the socket.
    func sendRaw(_ bytes: ByteBuffer) async throws {
        try await channel.triggerUserOutboundEvent(RawBytes(bytes: bytes)).get()
    }

    /// Cuts the connection.
    func close() async throws {
        do {
            try await channel.close().get()
        } catch ChannelError.alreadyClosed {
            return
        }
    }
}

/// The connections that are open, found by their channel.
final class ConnectionTable: Sendable {
    private let connections = Mutex<[ObjectIdentifier: ClientConnection]>([:])

    func insert(_ channel: any Channel) -> ClientConnection {
        let connection = ClientConnection(channel: channel)
        connections.withLock { $0[ObjectIdentifier(channel)] = connection }
        return connection
    }

    func remove(_ channel: any Channel) {
        connections.withLock { $0[ObjectIdentifier(channel)] = nil }
    }

    /// The connection over `channel`; one that is gone already if the channel is closed.
    func connection(over channel: any Channel) -> ClientConnection {
        if let connection = connections.withLock({ $0[ObjectIdentifier(channel)] }) { return connection }
        let connection = ClientConnection(channel: channel)
        connection.markGone()
        return connection
    }
}
