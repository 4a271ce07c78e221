import Glibc

/// Reads files whose size is not known to be sane.
package enum RegularFile {
    /// Why a file was not read.
    package struct Failure: Error {
        package let reason: String
    }

    /// Reads a whole file; a pipe, a device or a folder is refused, so that this neither waits nor goes on for ever.
    ///
    /// - Parameters:
    ///   - path: The file; a link is followed.
    ///   - limit: The most bytes that it may have.
    ///   - isSecret: Whether it is refused if anybody but this user may read or write it.
    /// - Returns: All of its bytes.
    /// - Throws: ``Failure``.
    package static func read(_ path: String, atMost limit: Int, isSecret: Bool = false) throws(Failure) -> [UInt8] {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure(reason: systemMessage()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
            throw Failure(reason: "it is not a regular file of at most \(limit) bytes")
        }
        guard !isSecret || (status.st_uid == geteuid() && status.st_mode & 0o077 == 0) else {
            throw Failure(reason: "it is a secret that others may read. Take it over and run `chmod 600` on it")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
            }
            guard count > 0 || (count < 0 && errno == EINTR) else {
                throw Failure(reason: "it could not be read to its end")
            }
            filled += max(count, 0)
        }
        return bytes
    }
}
