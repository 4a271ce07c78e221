import Crypto
import FoundationEssentials
import Glibc
import HostCore
import HostPluginABI

/// A private copy of a plugin's library whose bytes were checked and hashed while they were copied; no code of it has run.
struct PluginImage: Sendable {
    static let entrySymbol = PluginHandshake.entrySymbol
    private static let maximumSizeInBytes = 512 << 20

    /// The private copy.
    let path: String
    /// Where the library came from, for messages.
    let origin: String
    /// Lower-case hexadecimal SHA-256 of the bytes that were copied.
    let sha256: String

    /// Checks and copies a library.
    ///
    /// - Parameters:
    ///   - definition: The manifest's claims.
    ///   - runDirectory: Where the private copy is put, under `plugins/<sha256>/`.
    /// - Throws: ``PluginError`` with `.libraryRefused`.
    init(_ definition: PluginDefinition, runDirectory: String) throws(PluginError) {
        origin = definition.libraryPath
        try Self.checkOwnership(of: definition)
        let bytes: [UInt8]
        do throws(RegularFile.Failure) {
            bytes = try RegularFile.read(origin, atMost: Self.maximumSizeInBytes)
        } catch {
            throw PluginError(.libraryRefused, "\(origin): \(error.reason).")
        }
        sha256 = SHA256.hash(data: bytes).hexadecimal
        if let expected = definition.sha256, expected != sha256 {
            throw PluginError(
                .libraryRefused,
                "\(origin): its SHA-256 is \(sha256), the manifest \(definition.manifestPath) says \(expected)."
            )
        }
        do throws(ELFInspection.Refusal) {
            let exports = try ELFInspection(bytes).exportedSymbols
            guard exports == [Self.entrySymbol] else {
                let shown = exports.sorted().prefix(4).joined(separator: ", ")
                throw ELFInspection.Refusal(
                    reason: "it exports \(exports.count) symbols (\(shown)) instead of \(Self.entrySymbol) alone"
                )
            }
        } catch {
            throw PluginError(.libraryRefused, "\(origin): \(error.reason). Build it as the SDK's README says.")
        }
        path = try Self.store(bytes, sha256: sha256, runDirectory: runDirectory)
    }

    /// Refuses a manifest or a library that somebody else could change.
    static func checkOwnership(of definition: PluginDefinition) throws(PluginError) {
        for path in definition.files { try checkOwnership(path) }
    }

    /// Refuses a file or folder that somebody else could change.
    private static func checkOwnership(_ path: String) throws(PluginError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        for checked in [path, folder.isEmpty ? "/" : folder] {
            var status = stat()
            guard stat(checked, &status) == 0 else {
                throw PluginError(
                    .libraryRefused,
                    "\(checked): \(systemMessage()). Put it there or correct the manifest."
                )
            }
            guard status.st_uid == geteuid() || status.st_uid == 0 else {
                throw PluginError(
                    .libraryRefused,
                    "\(checked): it belongs to user \(status.st_uid). Take it over first."
                )
            }
            guard status.st_mode & 0o022 == 0 || isSticky(status) else {
                throw PluginError(
                    .libraryRefused,
                    "\(checked): group or others may write to it. Run `chmod go-w` on it first."
                )
            }
        }
    }

    /// In a sticky folder such as /tmp others can add files but not replace this one.
    private static func isSticky(_ status: stat) -> Bool {
        status.st_mode & S_IFMT == S_IFDIR && status.st_mode & S_ISVTX != 0
    }

    /// Writes the bytes that were hashed to a file that only this user can change.
    private static func store(
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
