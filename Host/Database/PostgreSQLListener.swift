import NIOPosix

/// The connection, on a thread of its own, that hears what other processes publish.
///
/// A lost connection is made again for as long as it takes; whoever listens is told when it is lost and when it is
/// back, since in between anything may have been published.
final class PostgreSQLListener: Sendable {
    private let location: PostgreSQLLocation
    private let heartbeatInterval: Duration
    private let publisher: PostgreSQLPublisher
    private let handler: @Sendable (DatabaseNotice) -> Void
    private let stopSignal = PostgreSQLStopSignal()
    private let thread = NIOThreadPool(numberOfThreads: 1)

    /// Starts to listen.
    init(
        to location: PostgreSQLLocation,
        settings: PostgreSQLSettings,
        publisher: PostgreSQLPublisher,
        handler: @escaping @Sendable (DatabaseNotice) -> Void
    ) {
        self.location = location
        heartbeatInterval = settings.heartbeatInterval
        self.publisher = publisher
        self.handler = handler
        thread.start()
        thread.submit { [self] state in
            if state == .active { run() }
        }
    }

    /// Ends the thread; waits for an attempt to connect that has begun.
    func stop() async {
        stopSignal.raise()
        await thread.stop()
    }

    /// The same, for somebody who cannot wait.
    func abandon() {
        stopSignal.raise()
        thread.shutdownGracefully { _ in }
    }

    private func run() {
        var backoff = PostgreSQLBackoff()
        while !stopSignal.isRaised {
            let startedAt = ContinuousClock.now
            do {
                let connection = try connect()
                backoff.noteSuccess()
                // Also the first time: something may have been published since the database was opened.
                handler(.interrupted)
                do {
                    return try hear(connection)
                } catch {
                    handler(.interrupted)
                    backoff.noteFailure(startedAt: startedAt)
                }
            } catch {
                // Transactions on the same database fail with the reason; here there is nobody to tell.
                backoff.noteFailure(startedAt: startedAt)
            }
            _ = stopSignal.wait(for: nil, until: backoff.retryAt ?? .now)
        }
    }

    private func connect() throws -> PostgreSQLConnection {
        // A silent server has to be noticed within two heartbeats.
        let deadline = max(.seconds(1), heartbeatInterval - .seconds(2))
        let connection = try PostgreSQLConnection.connect(to: location, deadline: deadline)
        try connection.run("LISTEN \(PostgreSQLPublisher.channel)")
        return connection
    }

    /// Returns when listening is to stop.
    private func hear(_ connection: PostgreSQLConnection) throws(PostgreSQLFailure) {
        var heartbeatAt = ContinuousClock.now + heartbeatInterval
        while true {
            for payload in try connection.notices() {
                if let notice = publisher.notice(payload) { handler(.published(notice)) }
            }
            switch stopSignal.wait(for: connection.socket, until: heartbeatAt) {
            case .stop: return
            case .input: continue
            case .timeout:
                try connection.run("SELECT 1")
                heartbeatAt = .now + heartbeatInterval
            }
        }
    }
}
