/// How a PostgreSQL database is used; parameters of its URL win.
package struct PostgreSQLSettings: Sendable {
    /// How many connections do transactions, 1 to 64; the one that listens comes on top.
    package var connectionCount = 8
    /// How long connecting to one address may take, in whole seconds.
    package var connectDeadline = Duration.seconds(5)
    /// How long one statement, or the wait for one lock, may take.
    package var statementDeadline = Duration.seconds(10)
    /// How long a transaction may wait for a connection.
    package var maximumWait = Duration.seconds(10)
    /// How many transactions may wait or run.
    package var maximumWaiting = 4096
    /// How often the connection that listens asks whether the server is still there.
    package var heartbeatInterval = Duration.seconds(10)
    /// How the connections are called in the server's list.
    package var applicationName = "gantry"

    /// Makes the settings for a gateway.
    package init() {}
}

extension Duration {
    /// Whole milliseconds, at least 1.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }

    /// Seconds with their fraction.
    var inSeconds: Double { Double(milliseconds) / 1000 }
}
