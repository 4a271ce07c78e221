import FoundationEssentials
import Glibc
import NIOPosix

/// A private copy of a library, which stays for as long as it is needed.
///
/// Several processes may use the copies of one data folder, and several objects of one process the same copy: each
/// holds a shared lock of the copy's folder, and who can have it alone removes it. Where there are no locks nothing is
/// removed.
final class LibraryCopy: Sendable {
    /// The copy.
    let path: String
    private let folder: String
    /// The folder's descriptor, which has the lock; it goes with the process, however that ends.
    private let lock: Int32

    /// Writes a copy of bytes that were checked to a file that only this user can change.
    ///
    /// - Parameters:
    ///   - bytes: The library.
    ///   - sha256: Their hash.
    ///   - runDirectory: Where the copy is put, under `plugins/<sha256>/`.
    /// - Throws: ``PluginError`` with `.libraryRefused`.
    convenience init(_ bytes: [UInt8], sha256: String, runDirectory: String) throws(PluginError) {
        let folder = "\(runDirectory)/plugins/\(sha256)"
        let lock = try Self.hold(folder)
        let path: String
        do throws(PluginError) {
            path = try PluginImage.store(bytes, sha256: sha256, runDirectory: runDirectory)
        } catch {
            close(lock)
            throw error
        }
        self.init(path: path, folder: folder, lock: lock)
    }

    private init(path: String, folder: String, lock: Int32) {
        self.path = path
        self.folder = folder
        self.lock = lock
    }

    deinit {
        // An event loop that ends the last operation of a plugin should not wait for the disk.
        WorkerThreads.starting.submit { [folder, lock] _ in
            LibraryCopy.removeUnused(folder, lock)
            close(lock)
        }
    }

    /// Removes all copies that no process uses, such as those of processes that are gone.
    ///
    /// - Parameter runDirectory: Where the copies are.
    static func removeUnused(in runDirectory: String) {
        let plugins = "\(runDirectory)/plugins"
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: plugins)
        } catch {
            // There is none before the first start.
            return
        }
        for name in names {
            let folder = "\(plugins)/\(name)"
            let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            removeUnused(folder, descriptor)
            close(descriptor)
        }
    }

    /// Opens a folder and keeps everybody from removing it.
    private static func hold(_ folder: String) throws(PluginError) -> Int32 {
        while true {
            do {
                try FileManager.default.createDirectory(
                    atPath: folder,
                    withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700]
                )
            } catch {
                throw PluginError(.libraryRefused, "\(folder): it cannot be created. Check `--data`.")
            }
            let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if descriptor < 0 {
                guard errno == ENOENT else { throw PluginError(.libraryRefused, "\(folder): \(systemMessage()).") }
                continue
            }
            // Whoever has it alone is about to remove it, which takes no time.
            while flock(descriptor, LOCK_SH) != 0, errno == EINTR {}
            if isThere(folder, descriptor) { return descriptor }
            close(descriptor)
        }
    }

    /// Removes a folder unless somebody else holds it.
    private static func removeUnused(_ folder: String, _ descriptor: Int32) {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, isThere(folder, descriptor) else { return }
        PluginStatement.remove(folder)
    }

    /// Whether a folder is still the one that was opened.
    private static func isThere(_ folder: String, _ descriptor: Int32) -> Bool {
        var (opened, named) = (stat(), stat())
        guard fstat(descriptor, &opened) == 0, lstat(folder, &named) == 0 else { return false }
        return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }
}
