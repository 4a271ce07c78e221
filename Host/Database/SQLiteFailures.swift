import GRDB

extension DatabaseError {
    /// Reads an error of the driver.
    ///
    /// SQLite's messages name tables, columns and pieces of the statement, never a value.
    init(sqlite error: any Error) {
        if let error = error as? DatabaseError {
            self = error
            return
        }
        guard let error = error as? GRDB.DatabaseError else {
            self.init(.unavailable, "SQLite failed: see the log.", cause: error)
            return
        }
        let text = (error.message ?? "error \(error.resultCode.rawValue)").split(whereSeparator: \.isNewline)
            .joined(separator: " ")
        let (code, remedy) = Self.classify(error)
        self.init(code, "SQLite: \(text). \(remedy)", cause: error)
    }

    private static func classify(_ error: GRDB.DatabaseError) -> (Code, String) {
        switch error.extendedResultCode {
        case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY, .SQLITE_CONSTRAINT_ROWID:
            return (.uniqueViolation, "Such a row exists already.")
        default: break
        }
        switch error.resultCode {
        case .SQLITE_CONSTRAINT: return (.constraintViolation, "A rule of the tables was broken.")
        case .SQLITE_BUSY, .SQLITE_LOCKED: return (.timeout, "Another process is writing; try again.")
        case .SQLITE_FULL: return (.full, "Make space on the disk.")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            return (.readOnly, "Make the file and its directory writable.")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return (.corrupt, "Restore it from a backup, or move it away to start with an empty one.")
        case .SQLITE_MISUSE where error.message == "Connection is closed":
            return (.unavailable, "The database has been closed.")
        case .SQLITE_ERROR, .SQLITE_MISUSE, .SQLITE_RANGE, .SQLITE_MISMATCH, .SQLITE_TOOBIG:
            return (.misuse, "The statement is wrong.")
        default: return (.unavailable, "Check the disk and the permissions of the file.")
        }
    }
}
