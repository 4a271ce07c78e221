/// One transaction's way to the tables; lent to a body and useless after it.
///
/// A body passes on what a failed statement throws: to PostgreSQL the transaction is over then, and a body that goes on
/// all the same fails with that error in the end.
package protocol DatabaseConnection {
    /// Runs one statement that returns no rows.
    ///
    /// - Parameters:
    ///   - sql: One statement with placeholders `$1…$n`, numbered in the order of their first use.
    ///   - arguments: The placeholders' values, `$1` first.
    /// - Returns: How many rows were inserted, updated or deleted; rows that a foreign key took along do not count.
    /// - Throws: ``DatabaseError``; `.misuse` for a second statement, or wrong arguments.
    @discardableResult
    func execute(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> Int

    /// Runs one statement and collects its rows; whoever writes the statement bounds them.
    ///
    /// - Parameters:
    ///   - sql: One statement with placeholders `$1…$n`, numbered in the order of their first use.
    ///   - arguments: The placeholders' values, `$1` first.
    /// - Returns: The rows in the statement's order.
    /// - Throws: ``DatabaseError``; `.misuse` for a second statement, or wrong arguments.
    func query(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> [DatabaseRow]

    /// Tells the other processes on this database something, once the transaction has been committed.
    ///
    /// What is published may get lost with a connection. A database for one process does nothing here.
    ///
    /// - Parameter notice: At most 4000 bytes.
    /// - Throws: ``DatabaseError``.
    func publish(_ notice: String) throws(DatabaseError)
}

extension DatabaseConnection {
    /// Runs one statement without placeholders that returns no rows.
    @discardableResult
    package func execute(_ sql: String) throws(DatabaseError) -> Int { try execute(sql, []) }

    /// Runs one statement without placeholders and collects its rows.
    package func query(_ sql: String) throws(DatabaseError) -> [DatabaseRow] { try query(sql, []) }
}
