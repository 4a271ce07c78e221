import Foundation

/// One transaction: begun with the first statement of a body, on a connection that is lent until its end.
final class PostgreSQLTransaction: DatabaseConnection {
    enum Mode: String {
        /// Everything is of one moment, that of the first statement.
        case read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        /// Not `READ WRITE`: a server whose administrator has made it read-only stays so.
        case write = "BEGIN ISOLATION LEVEL READ COMMITTED"
    }

    private static let maximumRuns = 6

    private let mode: Mode
    private let pool: PostgreSQLPool
    private let publisher: PostgreSQLPublisher
    private let deadline: ContinuousClock.Instant
    private var connection: PostgreSQLConnection?
    private var begin: String?
    private var hasAnswered = false
    private var isOver = false
    private var failure: PostgreSQLFailure?

    private init(
        _ mode: Mode,
        _ pool: PostgreSQLPool,
        _ publisher: PostgreSQLPublisher,
        _ deadline: ContinuousClock.Instant
    ) {
        self.mode = mode
        self.pool = pool
        self.publisher = publisher
        self.deadline = deadline
        begin = mode.rawValue
    }

    /// Runs a body in a transaction; one that writes again, if other transactions were in its way.
    static func run<Value>(
        _ mode: Mode,
        on pool: PostgreSQLPool,
        publisher: PostgreSQLPublisher,
        until deadline: ContinuousClock.Instant,
        _ body: (any DatabaseConnection) throws -> Value,
        answer: (Result<Value, any Error>) -> Void
    ) {
        var run = 0
        while true {
            run += 1
            let transaction = PostgreSQLTransaction(mode, pool, publisher, deadline)
            let result = transaction.result(body)
            // What has been read is right however the transaction ends, so that nobody has to wait for that.
            if mode == .read { answer(result) }
            let outcome = transaction.finish(result)
            if mode == .read { return }
            guard run < maximumRuns, transaction.failure?.isWorthAnotherRun == true else { return answer(outcome) }
            // Those that were in each other's way must not meet again.
            Thread.sleep(forTimeInterval: .random(in: 0...0.01) * Double(run))
        }
    }

    func execute(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> Int {
        try perform(sql, arguments).1.changedRowCount
    }

    func query(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> [DatabaseRow] {
        let (statement, result) = try perform(sql, arguments)
        return try statement.rows(result)
    }

    func publish(_ notice: String) throws(DatabaseError) {
        _ = try query(PostgreSQLPublisher.statement, [.text(try publisher.payload(notice))])
    }

    private typealias Answer = (PostgreSQLStatement, PostgreSQLResult)

    private func perform(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> Answer {
        guard !isOver else { throw DatabaseError(.misuse, "The transaction is over: use its connection in its body.") }
        // The server would refuse it with less to say.
        if let failure { throw failure.error }
        try StatementRules.check(sql, arguments)
        var answer = try attempt(sql, arguments)
        // A connection that lay idle may have died with the server it was made to. The body has seen nothing yet, so
        // that another connection is as good.
        if !hasAnswered, case .failure(let failure) = answer, failure.kind == .lost || failure.isStale {
            discardConnection()
            begin = mode.rawValue
            answer = try attempt(sql, arguments, fresh: true)
        }
        switch answer {
        case .success(let answer):
            hasAnswered = true
            return answer
        case .failure(let failure):
            self.failure = failure
            throw failure.error
        }
    }

    /// - Throws: ``DatabaseError`` for what is no failure of the transaction.
    private func attempt(
        _ sql: String,
        _ arguments: [DatabaseValue],
        fresh: Bool = false
    ) throws(DatabaseError) -> Result<Answer, PostgreSQLFailure> {
        let connection = try held(fresh: fresh)
        let statement: PostgreSQLStatement
        do {
            statement = try connection.prepare(sql, begin: &begin)
        } catch {
            return .failure(error)
        }
        try statement.checkColumns()
        let arguments = try PostgreSQLArguments(arguments, types: statement.parameterTypes)
        let result: PostgreSQLResult
        do {
            result = try connection.run(statement, arguments, begin: &begin)
        } catch {
            return .failure(error)
        }
        guard !result.isEmptyStatement else { throw DatabaseError(.misuse, "A statement is empty: write one.") }
        return .success((statement, result))
    }

    private func held(fresh: Bool) throws(DatabaseError) -> PostgreSQLConnection {
        if let connection { return connection }
        let connection = try pool.lend(fresh: fresh, until: deadline)
        self.connection = connection
        return connection
    }

    private func result<Value>(_ body: (any DatabaseConnection) throws -> Value) -> Result<Value, any Error> {
        let result = Result { try body(self) }
        isOver = true
        // A body that went on after a failed statement: the server keeps nothing of such a transaction.
        guard case .success = result, let failure else { return result }
        return .failure(failure.error)
    }

    private func finish<Value>(_ result: Result<Value, any Error>) -> Result<Value, any Error> {
        if case .failure = result {
            rollBack()
            return result
        }
        do {
            try commit()
            return result
        } catch {
            return .failure(error)
        }
    }

    private func commit() throws(DatabaseError) {
        guard let connection, begin == nil else { return rollBack() }
        if connection.hasUnexpectedInput { return try giveUp(PostgreSQLFailure.lost().error) }
        let tag: String
        do {
            tag = try connection.run("COMMIT")
        } catch {
            guard error.kind == .refused else { return try giveUp(.outcomeUnknown) }
            failure = error
            returnConnection()
            throw error.error
        }
        returnConnection()
        guard tag == "COMMIT" else { throw DatabaseError(.misuse, "PostgreSQL undid the transaction: see its log.") }
    }

    /// Ends a transaction whose connection is lost; what has been read is right all the same.
    private func giveUp(_ error: DatabaseError) throws(DatabaseError) {
        discardConnection()
        if mode == .write { throw error }
    }

    private func rollBack() {
        guard let connection else { return }
        let isUseless = failure.map { $0.isEndOfConnection || ($0.state == "25006" && mode == .write) } ?? false
        guard !isUseless else { return discardConnection() }
        guard begin == nil else { return returnConnection() }
        do {
            try connection.run("ROLLBACK")
            returnConnection()
        } catch {
            // The server undoes what a lost connection had begun.
            discardConnection()
        }
    }

    private func returnConnection() {
        if let connection { pool.giveBack(connection) }
        connection = nil
    }

    private func discardConnection() {
        if let connection { pool.discard(connection) }
        connection = nil
    }
}

extension DatabaseError {
    fileprivate static let outcomeUnknown = DatabaseError(
        .outcomeUnknown,
        "PostgreSQL: the connection was lost while a transaction was being committed. Look whether it was."
    )
}
