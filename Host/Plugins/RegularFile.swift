import Glibc

/// Reads files whose size is not known to be sane.
enum RegularFile {
    /// Why a file was not read.
    struct Failure: Error {
        let reason: String
    }

    /// Reads a whole file; a pipe, a device or a folder is refused, so that this neither waits nor goes on for ever.
    static func read(_ path: String, atMost limit: Int) throws(Failure) -> [UInt8] {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure(reason: systemMessage()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
            throw Failure(reason: "it is not a regular file of at most \(limit) bytes")
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
