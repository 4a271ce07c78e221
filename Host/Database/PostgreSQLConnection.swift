import CPostgreSQL
import Foundation

/// One connection to a server.
///
/// Commands go in libpq's pipeline mode: those of one exchange leave together and the answers come together. Every wait
/// has a deadline, so that a server that has vanished holds a thread no longer than that.
///
/// `@unchecked Sendable`: the pool lends a connection to one thread at a time and hands it over under its lock; the
/// listening one never leaves its thread.
final class PostgreSQLConnection: @unchecked Sendable {
    /// How much longer than the server an exchange waits, so that the server's own limit comes first.
    private static let grace = Duration.seconds(1)

    private let handle: OpaquePointer
    private let deadline: Duration
    private var statements = PostgreSQLStatementCache()

    /// Connects; blocks for at most the connect deadline an address.
    ///
    /// - Throws: ``DatabaseError`` with `.unavailable`; the message has host, port and database, and what to do.
    static func connect(
        to location: PostgreSQLLocation,
        deadline: Duration
    ) throws(DatabaseError) -> PostgreSQLConnection {
        guard let handle = open(location.parameters) else {
            throw DatabaseError(.unavailable, "\(location.target): there is no memory for a connection.")
        }
        guard PQstatus(handle) == CONNECTION_OK else {
            let message = String(cString: PQerrorMessage(handle))
            PQfinish(handle)
            throw PostgreSQLFailure.connecting(to: location.target, message)
        }
        // What the server notes by the way, such as "already exists, skipping", would go to stderr.
        PQsetNoticeReceiver(handle, { _, _ in }, nil)
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
            PQfinish(handle)
            throw DatabaseError(.unavailable, "\(location.target): the connection cannot be used without blocking.")
        }
        return PostgreSQLConnection(handle, deadline: deadline)
    }

    private init(_ handle: OpaquePointer, deadline: Duration) {
        self.handle = handle
        self.deadline = deadline
    }

    deinit { PQfinish(handle) }

    private static func open(_ parameters: [String: String]) -> OpaquePointer? {
        let pairs = parameters.map { (strdup($0.key), strdup($0.value)) }
        defer {
            for (keyword, value) in pairs {
                free(keyword)
                free(value)
            }
        }
        let keywords: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer($0.0) } + [nil]
        let values: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer($0.1) } + [nil]
        return PQconnectdbParams(keywords, values, 0)
    }

    /// The socket, to wait for together with others.
    var socket: Int32 { PQsocket(handle) }

    /// Whether something has come that nobody asked for; on an idle connection that is the server's farewell.
    var hasUnexpectedInput: Bool {
        var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) != 0
    }

    /// Prepares a statement, or finds it prepared.
    ///
    /// - Parameters:
    ///   - sql: The statement.
    ///   - begin: A command that goes before; nil afterwards if it was sent.
    /// - Returns: The statement, known to this connection alone.
    /// - Throws: ``PostgreSQLFailure``.
    func prepare(_ sql: String, begin: inout String?) throws(PostgreSQLFailure) -> PostgreSQLStatement {
        if let statement = statements.statement(sql) { return statement }
        var isQueued = queue(&begin)
        if let old = statements.makeRoom() { isQueued = isQueued && queue("DEALLOCATE \(old.name)") }
        let name = statements.nextName()
        isQueued =
            isQueued && PQsendPrepare(handle, name, sql, 0, nil) == 1 && PQsendDescribePrepared(handle, name) == 1
        guard let description = try exchange(isQueued).last else { throw .lost() }
        let statement = PostgreSQLStatement(name: name, description: description)
        statements.insert(statement, for: sql)
        return statement
    }

    /// Runs a prepared statement.
    ///
    /// - Parameters:
    ///   - statement: What ``prepare(_:begin:)`` returned.
    ///   - arguments: The values of its placeholders.
    ///   - begin: A command that goes before; nil afterwards if it was sent.
    /// - Returns: The answer.
    /// - Throws: ``PostgreSQLFailure``.
    func run(
        _ statement: PostgreSQLStatement,
        _ arguments: PostgreSQLArguments,
        begin: inout String?
    ) throws(PostgreSQLFailure) -> PostgreSQLResult {
        var isQueued = queue(&begin)
        isQueued =
            isQueued
            && arguments.withPointers { count, values, lengths, formats in
                PQsendQueryPrepared(handle, statement.name, count, values, lengths, formats, 1) == 1
            }
        guard let result = try exchange(isQueued).last else { throw .lost() }
        return result
    }

    /// Runs a command that has no arguments and no rows.
    ///
    /// - Parameter command: The command; it is not prepared.
    /// - Returns: The command's tag.
    /// - Throws: ``PostgreSQLFailure``.
    @discardableResult
    func run(_ command: String) throws(PostgreSQLFailure) -> String {
        guard let result = try exchange(queue(command)).last else { throw .lost() }
        return result.tag
    }

    /// Takes what other connections have published.
    ///
    /// - Throws: ``PostgreSQLFailure`` if the connection is lost.
    func notices() throws(PostgreSQLFailure) -> [String] {
        guard PQconsumeInput(handle) == 1 else { throw .lost() }
        var notices: [String] = []
        while let notice = PQnotifies(handle) {
            notices.append(String(cString: notice.pointee.extra))
            PQfreemem(notice)
        }
        return notices
    }

    private func queue(_ begin: inout String?) -> Bool {
        guard let command = begin else { return true }
        begin = nil
        return queue(command)
    }

    private func queue(_ command: String) -> Bool {
        PQsendQueryParams(handle, command, 0, nil, nil, nil, nil, 1) == 1
    }

    /// Sends what has been queued and takes the answers, up to the point where both sides are level again.
    private func exchange(_ isQueued: Bool) throws(PostgreSQLFailure) -> [PostgreSQLResult] {
        guard isQueued, PQpipelineSync(handle) == 1 else { throw .lost() }
        let end = ContinuousClock.now + deadline + Self.grace
        var results: [PostgreSQLResult] = []
        var failure: PostgreSQLFailure?
        while true {
            do {
                try awaitAnswer(until: end)
            } catch {
                // The server's last words say more than the end of the connection.
                throw failure?.kind == .lost ? failure ?? error : error
            }
            guard let pointer = PQgetResult(handle) else {
                // Between the answers to two commands there is a gap; on a dead connection there is nothing else.
                guard PQstatus(handle) == CONNECTION_OK else { throw failure ?? .lost() }
                continue
            }
            let result = PostgreSQLResult(pointer)
            switch result.status {
            case PGRES_PIPELINE_SYNC:
                if let failure { throw failure }
                return results
            case PGRES_PIPELINE_ABORTED: break
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: results.append(result)
            default: failure = failure ?? PostgreSQLFailure(result)
            }
        }
    }

    private func awaitAnswer(until end: ContinuousClock.Instant) throws(PostgreSQLFailure) {
        while true {
            let unsent = PQflush(handle)
            guard unsent >= 0 else { throw .lost() }
            if unsent == 0, PQisBusy(handle) == 0 { return }
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { throw .silent }
            var descriptor = pollfd(fd: socket, events: Int16(unsent == 0 ? POLLIN : POLLIN | POLLOUT), revents: 0)
            let count = poll(&descriptor, 1, Int32(clamping: left.milliseconds))
            if count < 0, errno != EINTR { throw .lost() }
            if count > 0, descriptor.revents & ~Int16(POLLOUT) != 0, PQconsumeInput(handle) == 0 { throw .lost() }
        }
    }
}
