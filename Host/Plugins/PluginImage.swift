import FoundationEssentials
import Glibc
import HostPluginABI

/// A private copy of a plugin's library whose bytes were checked and hashed while they were copied; no code of it has run.
struct PluginImage: Sendable {
    static let entrySymbol = PluginHandshake.entrySymbol

    /// The private copy, which goes with the last image of it.
    let copy: LibraryCopy
    /// Where the library came from, for messages.
    let origin: String
    /// Lower-case hexadecimal SHA-256 of the bytes that were copied.
    let sha256: String
    /// The library of plain functions; nil if there is none.
    let functions: FunctionsImage?

    /// Checks and copies a library.
    ///
    /// - Parameters:
    ///   - definition: The manifest's claims.
    ///   - runDirectory: Where the private copy is put, under `plugins/<sha256>/`.
    /// - Throws: ``PluginError`` with `.libraryRefused` or `.untrusted`.
    init(_ definition: PluginDefinition, runDirectory: String) throws(PluginError) {
        origin = definition.libraryPath
        try LibraryFile.checkOwnership(definition.manifestPath)
        let library = try LibraryFile(origin)
        try library.check(against: definition)
        sha256 = library.sha256
        copy = try LibraryCopy(library.bytes, sha256: sha256, runDirectory: runDirectory)
        functions = try definition.functions.map { (functions) throws(PluginError) in
            try FunctionsImage(functions, of: definition, runDirectory: runDirectory)
        }
    }

    /// Where the private copy is.
    var path: String { copy.path }

    /// Refuses a manifest or a library that somebody else could change.
    static func checkOwnership(of definition: PluginDefinition) throws(PluginError) {
        let libraries = [definition.libraryPath, definition.functions?.libraryPath].compactMap { $0 }
        for path in [definition.manifestPath] + libraries { try LibraryFile.checkOwnership(path) }
    }

    /// Which bytes were copied: two images with the same are of the same libraries.
    var identity: String { functions.map { "\(sha256)+\($0.sha256)" } ?? sha256 }

    /// The identity that an image would have now; nil if a library cannot be read.
    static func identity(of definition: PluginDefinition) -> String? {
        do throws(PluginError) {
            let library = try LibraryFile(definition.libraryPath).sha256
            guard let functions = definition.functions else { return library }
            return "\(library)+\(try LibraryFile(functions.libraryPath).sha256)"
        } catch {
            // Whoever makes the image is told why.
            return nil
        }
    }

    /// Writes the bytes that were hashed to a file that only this user can change.
    static func store(
        _ bytes: [UInt8],
        sha256: String,
        runDirectory: String
    ) throws(PluginError) -> String {
        let folder = "\(runDirectory)/plugins/\(sha256)"
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw PluginError(.libraryRefused, "\(folder): it cannot be created. Check `--data`.")
        }
        let path = "\(folder)/plugin.so"
        let temporary = "\(path).\(getpid())"
        unlink(temporary)
        let descriptor = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o500)
        guard descriptor >= 0 else { throw PluginError(.libraryRefused, "\(temporary): \(systemMessage()).") }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            guard count > 0 else { throw PluginError(.libraryRefused, "\(temporary): \(systemMessage()).") }
            written += count
        }
        guard rename(temporary, path) == 0 else {
            throw PluginError(.libraryRefused, "\(path): \(systemMessage()).")
        }
        return path
    }
}
