import HostCore

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The sign that a process which uses a spool directory is alive: a lock on a file of its own, which goes with it.
final class SpoolOwner: Sendable {
    private static let lockPrefix = "owner-"
    private static let lockSuffix = ".lock"
    private static let filePrefix = "spool-"

    /// Marks this owner's files; letters and digits.
    let token: String
    private let folder: SpoolFolder
    private let lock: Int32

    /// Makes and locks a file for this process, and removes what dead ones left; blocks.
    init(in folder: SpoolFolder) throws(SpoolError) {
        self.folder = folder
        // Another process may take the new file for a dead one's before it is locked; then it takes a second try.
        var attempts = 16
        while true {
            let token = String(RecordUUID.random().text.filter { $0 != "-" })
            let file = try folder.create(Self.lockPrefix + token + Self.lockSuffix)
            var status = stat()
            if flock(file, LOCK_EX | LOCK_NB) == 0, fstat(file, &status) == 0, status.st_nlink > 0 {
                self.token = token
                lock = file
                break
            }
            _ = close(file)
            attempts -= 1
            guard attempts > 0 else {
                throw SpoolError(.unusableDirectory, "The spool directory's file system has no working file locks.")
            }
        }
        try clear()
    }

    deinit {
        // A file that stays is removed by whoever comes next.
        folder.removeIfPossible(Self.lockPrefix + token + Self.lockSuffix)
        _ = close(lock)
    }

    /// The name of one of this owner's files.
    func fileName(_ number: UInt64) -> String { "\(Self.filePrefix)\(token)-\(number)" }

    /// Removes what dead processes left; blocks.
    func clear() throws(SpoolError) {
        // Files first: whoever makes one has made its lock before, so every living owner is in the second list.
        let files = try folder.names().filter { $0.hasPrefix(Self.filePrefix) }
        var living: Set<Substring> = [token[...]]
        for name in try folder.names() where name.hasPrefix(Self.lockPrefix) && name.hasSuffix(Self.lockSuffix) {
            let other = name.dropFirst(Self.lockPrefix.count).dropLast(Self.lockSuffix.count)
            guard other != token, let lock = folder.descriptor(of: name) else { continue }
            defer { _ = close(lock) }
            if flock(lock, LOCK_EX | LOCK_NB) == 0 {
                try folder.remove(name)
            } else {
                living.insert(other)
            }
        }
        for file in files {
            let other = file.dropFirst(Self.filePrefix.count).prefix { $0 != "-" }
            if !living.contains(other) { try folder.remove(file) }
        }
    }
}
