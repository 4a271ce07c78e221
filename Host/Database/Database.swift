/// A store of tables that is read and written in transactions.
///
/// The SQL is the part that SQLite and PostgreSQL share: placeholders are `$1…$n`, numbered in the order of their first
/// use; where the two differ, ``dialect`` has the words.
package protocol Database: Sendable {
    /// The words that differ between databases.
    var dialect: SQLDialect { get }

    /// Runs a body that reads, in one transaction: everything it sees is of one moment.
    ///
    /// The body runs on a thread of the driver, so that it may block; it runs once.
    ///
    /// - Throws: What the body throws, else ``DatabaseError``.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value

    /// Runs a body that reads and writes, in one transaction.
    ///
    /// When this returns, what was written survives a loss of power. When it throws, nothing was written; only after
    /// ``DatabaseError/Code/outcomeUnknown`` may it have been. A cancelled task is no reason to stop: a journal entry has
    /// to be written whether or not somebody still waits for it.
    ///
    /// SQLite runs one write after the other. In PostgreSQL they overlap (READ COMMITTED): a body that decides by what it
    /// has read locks those rows first, with ``SQLDialect/rowLock``. The body may run a second time, from the beginning,
    /// after a deadlock or a connection that was lost before anything was done.
    ///
    /// - Throws: What the body throws, else ``DatabaseError``.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value

    /// Says who hears what other processes publish on this database; to be called once, before the first use.
    ///
    /// The handler must not block.
    func listen(_ handler: @escaping @Sendable (DatabaseNotice) -> Void)

    /// Finishes what has begun, refuses what waits, and closes the connections; calls after the first do nothing.
    func close() async
}
