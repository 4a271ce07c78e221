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

    /// Runs a body that reads and writes, in one transaction that no other write overlaps.
    ///
    /// When this returns, what was written survives a loss of power. When it throws, nothing was written. A cancelled
    /// task is no reason to stop: a journal entry has to be written whether or not somebody still waits for it.
    ///
    /// - Throws: What the body throws, else ``DatabaseError``.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws -> Value

    /// Finishes what has begun, refuses what waits, and closes the connections; calls after the first do nothing.
    func close() async
}
