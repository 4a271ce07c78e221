#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// An open directory that belongs to this user alone.
final class SpoolFolder: Sendable {
    let descriptor: Int32

    /// Opens a directory and makes it, and what leads to it, if it is missing; blocks.
    ///
    /// - Throws: ``SpoolError`` with `.unusableDirectory`.
    init(path: String) throws(SpoolError) {
        Self.make(path)
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Self.unusable(path, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == geteuid() else {
            throw Self.unusable(path, "belongs to somebody else")
        }
        // Not changed here: the path may have been meant for something that others use.
        guard status.st_mode & 0o077 == 0 else {
            throw Self.unusable(path, "is open to other users; run chmod 700 on it or choose another")
        }
    }

    /// Takes over an open directory.
    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { _ = close(descriptor) }

    /// The names of the entries, `.` and `..` among them.
    func names() throws(SpoolError) -> [String] {
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { throw SpoolDescriptor.error("listed", errno) }
        guard let stream = fdopendir(copy) else {
            let code = errno
            _ = close(copy)
            throw SpoolDescriptor.error("listed", code)
        }
        defer { closedir(stream) }
        var names: [String] = []
        let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
        while let entry = readdir(stream) {
            // An entry is as long as its name needs, shorter than the type claims.
            let name = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
            names.append(String(cString: name))
        }
        return names
    }

    /// Makes a file that did not exist; the descriptor is the caller's to close.
    func create(_ name: String) throws(SpoolError) -> Int32 {
        let file = openat(descriptor, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SpoolDescriptor.error("created", errno) }
        return file
    }

    /// Opens a file, which is the caller's to close; nil if it has gone.
    func descriptor(of name: String) -> Int32? {
        let file = openat(descriptor, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        return file >= 0 ? file : nil
    }

    /// Takes away a file's name; one that has gone already is as good.
    func remove(_ name: String) throws(SpoolError) {
        guard removeIfPossible(name) else { throw SpoolDescriptor.error("removed", errno) }
    }

    /// Takes away a file's name and tells whether it is gone, for those who cannot do anything about it.
    @discardableResult
    func removeIfPossible(_ name: String) -> Bool { unlinkat(descriptor, name, 0) == 0 || errno == ENOENT }

    // What cannot be made shows when the directory is opened.
    private static func make(_ path: String) {
        for index in path.indices.dropFirst() where path[index] == "/" { mkdir(String(path[..<index]), 0o700) }
        mkdir(path, 0o700)
    }

    private static func unusable(_ path: String, _ problem: String) -> SpoolError {
        SpoolError(.unusableDirectory, "The spool directory \(path) \(problem).")
    }
}
