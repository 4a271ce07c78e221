#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where a SQLite database lies, made ready so that only this user can read it.
struct SQLiteLocation {
    let path: String

    /// Makes the missing directories (0700) and the file (0600) of a database, and checks that both can be written.
    ///
    /// SQLite gives the files it puts next to the database the database's own permissions.
    ///
    /// - Throws: ``DatabaseError`` with `.unavailable` or `.readOnly`; the message has the path and what to do.
    func prepare() throws(DatabaseError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw DatabaseError(.unavailable, "The database has no file name: set a path.")
        }
        let directory = Self.parent(of: path)
        try makeDirectory(directory)
        try makeFile()
        // SQLite writes a journal beside the file, so writing the file alone is not enough.
        guard faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0 else {
            throw failure("cannot write to its directory \(directory)", errno)
        }
    }

    private func makeDirectory(_ directory: String) throws(DatabaseError) {
        var status = stat()
        if stat(directory, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else { throw failure("\(directory) is not a directory", ENOTDIR) }
            return
        }
        guard errno == ENOENT else { throw failure("cannot reach its directory \(directory)", errno) }
        let parent = Self.parent(of: directory)
        if parent != directory { try makeDirectory(parent) }
        // Another process may have made it in the meantime.
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw failure("cannot make its directory \(directory)", errno)
        }
    }

    private func makeFile() throws(DatabaseError) {
        // An existing file is not opened here: closing it would drop the locks that another connection of this
        // process holds on it (fcntl(2), "Advisory record locking").
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
            return
        }
        guard errno == EEXIST else { throw failure("cannot make the file", errno) }
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure("cannot reach the file", errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw failure("the path is not a file", EINVAL) }
        guard faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0 else {
            throw failure("cannot write the file", errno)
        }
    }

    private func failure(_ what: String, _ code: Int32) -> DatabaseError {
        let isReadOnly = [EACCES, EPERM, EROFS].contains(code)
        let reason = String(cString: strerror(code))
        return DatabaseError(
            isReadOnly ? .readOnly : .unavailable,
            "The database \(path) cannot be opened: \(what) (\(reason)). "
                + "Make it writable for the user that runs the gateway, or choose another path."
        )
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        let parent = path[..<slash]
        return parent.isEmpty ? "/" : String(parent)
    }
}
