import Crypto
import Glibc
import HostCore

/// A library's bytes, read once: whatever is judged, hashed, signed or loaded is these and not the file again.
package struct LibraryFile: Sendable {
    private static let maximumSizeInBytes = 512 << 20

    /// Where it was read from.
    package let path: String
    package let bytes: [UInt8]
    /// Lower-case hexadecimal SHA-256 of the bytes.
    package let sha256: String

    /// Reads a library that nobody but this user and root can change.
    ///
    /// - Parameter path: The library; a link is followed, and what it leads to is checked.
    /// - Throws: ``PluginError`` with `.libraryRefused`.
    package init(_ path: String) throws(PluginError) {
        self.path = path
        try Self.checkOwnership(path)
        do throws(RegularFile.Failure) {
            bytes = try RegularFile.read(path, atMost: Self.maximumSizeInBytes)
        } catch {
            throw PluginError(.libraryRefused, "\(path): \(error.reason).")
        }
        sha256 = SHA256.hash(data: bytes).hexadecimal
    }

    /// Refuses a file that somebody else could change, or put another in the place of, also where a link leads.
    package static func checkOwnership(_ path: String) throws(PluginError) {
        var checks = [path, folder(of: path)]
        if let real = realpath(path, nil) {
            checks.append(folder(of: String(cString: real)))
            free(real)
        }
        for checked in checks {
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

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// In a sticky folder such as /tmp others can add files but not replace this one.
    private static func isSticky(_ status: stat) -> Bool {
        status.st_mode & S_IFMT == S_IFDIR && status.st_mode & S_ISVTX != 0
    }

    /// Refuses another library than the one that a manifest pins.
    func check(pinned expected: String?, by manifestPath: String) throws(PluginError) {
        guard let expected, expected != sha256 else { return }
        throw PluginError(
            .libraryRefused,
            "\(path): its SHA-256 is \(sha256), the manifest \(manifestPath) says \(expected)."
        )
    }

    /// Refuses what is no plugin by its form; none of its code runs.
    package func checkForm() throws(PluginError) {
        do throws(ELFInspection.Refusal) {
            let exports = try ELFInspection(bytes).exportedSymbols
            guard exports == [PluginImage.entrySymbol] else {
                let shown = exports.sorted().prefix(4).joined(separator: ", ")
                throw ELFInspection.Refusal(
                    reason: "it exports \(exports.count) symbols (\(shown)) instead of \(PluginImage.entrySymbol) alone"
                )
            }
        } catch {
            throw PluginError(.libraryRefused, "\(path): \(error.reason). Build it as the SDK's README says.")
        }
    }

    /// All that can be checked of a library before any of its code runs.
    ///
    /// - Parameter definition: The manifest's claims.
    /// - Throws: ``PluginError`` with `.libraryRefused` or `.untrusted`.
    package func check(against definition: PluginDefinition) throws(PluginError) {
        try check(pinned: definition.sha256, by: definition.manifestPath)
        try checkForm()
        try definition.trust?.check(definition, library: self)
    }
}
