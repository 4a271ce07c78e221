import Glibc

/// Writes files that are never seen half written.
enum AtomicFile {
    /// Makes a file that must not exist yet.
    static func create(_ bytes: [UInt8], at path: String, mode: mode_t) throws(ToolError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure(path) }
        do throws(ToolError) {
            defer { close(descriptor) }
            // The umask may have taken bits away, or a default ACL added some.
            guard fchmod(descriptor, mode) == 0 else { throw failure(path) }
            try write(bytes, to: descriptor, of: path)
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Puts a file in the place of another, or where none was.
    ///
    /// Mode and owner stay those of the file that was there. A link is followed: what it leads to is replaced.
    static func write(_ bytes: [UInt8], to path: String) throws(ToolError) {
        let place = resolved(path)
        var status = stat()
        let exists = stat(place, &status) == 0
        let temporary = temporaryName(beside: place)
        try create(bytes, at: temporary, mode: exists ? status.st_mode & 0o7777 : 0o644)
        let isTakenOver = !exists || status.st_uid == geteuid() || chown(temporary, status.st_uid, status.st_gid) == 0
        guard isTakenOver, rename(temporary, place) == 0 else {
            let failure = failure(path)
            unlink(temporary)
            throw failure
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// A name that is no manifest's, for it starts with a dot.
    private static func temporaryName(beside path: String) -> String {
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        return "\(path[..<slash]).\(path[slash...]).\(getpid()).new"
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, of path: String) throws(ToolError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
            }
            guard count > 0 || (count < 0 && errno == EINTR) else { throw failure(path) }
            written += max(count, 0)
        }
        guard fsync(descriptor) == 0 else { throw failure(path) }
    }

    private static func failure(_ path: String) -> ToolError {
        let advice = errno == EEXIST ? "Choose another name, or remove it." : "Check the folder and its permissions."
        return ToolError(.file, "\(path): \(String(cString: strerror(errno))). \(advice)")
    }
}
