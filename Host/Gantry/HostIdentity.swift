import Glibc
import HostCore

/// Which of several hosts this is: a name that lies in the data folder and is held by one process at a time.
///
/// A host that comes back under its name is the only one that can know that its earlier run is over.
final class HostIdentity: Sendable {
    private static let longestName = 64

    let name: String
    private let lock: Int32

    /// Takes the name of a data folder, or gives it one.
    ///
    /// - Throws: ``StartupError`` if another process runs on this folder.
    init(dataFolder: String) throws(StartupError) {
        let path = "\(dataFolder)/host"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Self.failure(path, "cannot be opened") }
        // The lock goes with the process, however it ends.
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            let error = isHeld ? Self.held(dataFolder) : Self.failure(path, "cannot be locked")
            close(file)
            throw error
        }
        var bytes = [UInt8](repeating: 0, count: Self.longestName)
        let count = read(file, &bytes, bytes.count)
        if count > 0, let known = String(validating: bytes.prefix(count), as: UTF8.self), RecordUUID(text: known) != nil
        {
            name = known
        } else {
            name = RecordUUID.random().text
            guard ftruncate(file, 0) == 0, pwrite(file, name, name.utf8.count, 0) == name.utf8.count, fsync(file) == 0
            else {
                let error = Self.failure(path, "cannot be written")
                close(file)
                throw error
            }
        }
        lock = file
    }

    deinit { close(lock) }

    private static func held(_ folder: String) -> StartupError {
        StartupError("--data \(folder): another gantry serves from this folder. Stop it, or choose another --data.")
    }

    private static func failure(_ path: String, _ what: String) -> StartupError {
        StartupError("\(path) \(what): \(String(cString: strerror(errno))). Make --data writable.")
    }
}
