/// The few words of SQL that differ between databases.
package struct SQLDialect: Sendable {
    /// The type of a column of bytes.
    package let bytesType: String
    /// The type of a primary key that the database counts up by itself and never uses twice.
    package let countedKeyType: String

    /// Makes a dialect.
    package init(bytesType: String, countedKeyType: String) {
        self.bytesType = bytesType
        self.countedKeyType = countedKeyType
    }

    /// SQLite's words.
    package static let sqlite = SQLDialect(
        bytesType: "BLOB",
        countedKeyType: "INTEGER PRIMARY KEY AUTOINCREMENT"
    )
}
