import Foundation

/// The user that runs the tests' server: PostgreSQL refuses to run as root.
enum ServerAccount {
    private static let unprivileged: (user: uid_t, group: gid_t)? = {
        guard geteuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) { return (entry.pointee.pw_uid, entry.pointee.pw_gid) }
        }
        return nil
    }()

    /// The command that runs a program as this user.
    static func command(_ program: String, _ arguments: [String]) -> (program: String, arguments: [String]) {
        guard let (user, group) = unprivileged else { return (program, arguments) }
        let change = ["--reuid=\(user)", "--regid=\(group)", "--clear-groups", "--", program]
        return ("/usr/bin/setpriv", change + arguments)
    }

    /// Gives a file or a directory to this user.
    ///
    /// - Throws: ``PostgreSQLServerError``.
    static func own(_ path: String) throws {
        guard let (user, group) = unprivileged else { return }
        guard chown(path, user, group) == 0 else {
            throw PostgreSQLServerError(description: "\(path) cannot be given to the user \(user).")
        }
    }

    /// Writes a file that this user alone can read.
    ///
    /// - Throws: What Foundation throws, else ``PostgreSQLServerError``.
    static func write(_ data: Data, to path: String) throws {
        try data.write(to: URL(fileURLWithPath: path))
        guard chmod(path, 0o600) == 0 else {
            throw PostgreSQLServerError(description: "The permissions of \(path) cannot be set.")
        }
        try own(path)
    }
}
