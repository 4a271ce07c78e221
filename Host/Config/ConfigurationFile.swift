import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Reads configuration files, whole and within the limit that ``YAMLDocument`` sets.
enum ConfigurationFile {
    /// The bytes of a regular file.
    static func read(_ path: String) throws(ConfigurationError) -> [UInt8] {
        let place = SourceLocation(file: path)
        // Without O_NONBLOCK a FIFO would hold this thread until somebody writes to it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(place, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(place, errno) }
        let type = status.st_mode & S_IFMT
        guard type == S_IFREG else {
            let found = type == S_IFDIR ? "this is a directory" : "this is not a regular file"
            throw ConfigurationError(.unreadable, at: place, "\(found). Name a YAML file.")
        }
        // One byte more than the limit is enough for the reader to see that it is too much.
        return try contents(of: descriptor, limit: YAMLDocument.maximumBytes + 1, at: place)
    }

    /// The paths of a directory's files, sorted by name; names that start with a dot are nobody's business.
    static func files(in directory: String) throws(ConfigurationError) -> [String] {
        let place = SourceLocation(file: directory)
        var status = stat()
        guard stat(directory, &status) == 0 else { throw unreadable(place, errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw ConfigurationError(.unreadable, at: place, "this is not a directory. Name the folder of manifests.")
        }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw ConfigurationError(.unreadable, at: place, "cannot be listed. Check that this user may read it.")
        }
        let base = directory.hasSuffix("/") ? directory : directory + "/"
        return
            names
            .filter { !$0.hasPrefix(".") }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            .map { base + $0 }
    }

    /// Whether a file's name is that of a manifest.
    static func isManifest(_ path: String) -> Bool { path.hasSuffix(".yaml") || path.hasSuffix(".yml") }

    private static func contents(
        of descriptor: Int32,
        limit: Int,
        at place: SourceLocation
    ) throws(ConfigurationError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < limit {
            let wanted = min(buffer.count, limit - bytes.count)
            let count = buffer.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, wanted) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(place, errno) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    private static func unreadable(_ place: SourceLocation, _ error: Int32) -> ConfigurationError {
        let message =
            switch error {
            case ENOENT: "there is no such file. Check the path."
            case EACCES, EPERM: "cannot be opened. Check that this user may read it."
            case ENOTDIR: "a part of the path is not a directory. Check the path."
            default: "cannot be read: \(String(cString: strerror(error))). Check the path and the disk."
            }
        return ConfigurationError(.unreadable, at: place, message)
    }
}
