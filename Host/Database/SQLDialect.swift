/// The few words of SQL that differ between databases.
package struct SQLDialect: Sendable {
    /// The type of a column of bytes.
    package let bytesType: String
    /// The type of a primary key that the database counts up by itself and never uses twice.
    package let countedKeyType: String
    /// An expression: the database's own clock in whole Unix seconds, the same for all hosts.
    package let currentSeconds: String
    /// Stands at the end of a `SELECT` from one table in a writing transaction: its rows stay as they are until the end.
    package let rowLock: String
    /// The same, for a row that many may want to keep as it is at once.
    package let sharedRowLock: String
    /// As ``rowLock``, and rows that another transaction has locked are left out.
    package let freeRowLock: String
    /// Makes this transaction the only one that migrates; nil where all writes are.
    package let migrationLock: String?

    /// Makes a dialect.
    package init(
        bytesType: String,
        countedKeyType: String,
        currentSeconds: String,
        rowLock: String,
        sharedRowLock: String,
        freeRowLock: String,
        migrationLock: String?
    ) {
        self.bytesType = bytesType
        self.countedKeyType = countedKeyType
        self.currentSeconds = currentSeconds
        self.rowLock = rowLock
        self.sharedRowLock = sharedRowLock
        self.freeRowLock = freeRowLock
        self.migrationLock = migrationLock
    }

    /// SQLite's words: its one writer needs no locks.
    package static let sqlite = SQLDialect(
        bytesType: "BLOB",
        countedKeyType: "INTEGER PRIMARY KEY AUTOINCREMENT",
        currentSeconds: "unixepoch()",
        rowLock: "",
        sharedRowLock: "",
        freeRowLock: "",
        migrationLock: nil
    )

    /// PostgreSQL's words.
    package static let postgreSQL = SQLDialect(
        bytesType: "BYTEA",
        countedKeyType: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        currentSeconds: "CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)",
        rowLock: "FOR UPDATE",
        sharedRowLock: "FOR SHARE",
        freeRowLock: "FOR UPDATE SKIP LOCKED",
        // Any number that no other program on this database uses for its advisory locks: "gantry" in ASCII.
        migrationLock: "SELECT pg_advisory_xact_lock(113642060116601)"
    )
}
