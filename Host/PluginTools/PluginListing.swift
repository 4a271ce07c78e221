import Crypto
import HostConfig
import HostCore
import HostPlugins

/// What is known of every manifest of a folder without running a plugin.
package struct PluginListing: Encodable, Sendable {
    /// One manifest.
    ///
    /// What is nil is not known, since the file cannot be understood or names no such thing.
    package struct Entry: Encodable, Sendable {
        package enum State: String, Encodable, Sendable {
            /// The host would open it.
            case ready
            /// It says `enabled: false`.
            case disabled
            /// The host would not open it; `reason` says why.
            case refused
        }

        package let file: String
        package let state: State
        /// One line.
        package let reason: String?
        package let enabled: Bool
        package let id: String?
        package let version: String?
        package let isolation: String?
        package let providers: [String]
        package let library: String?
        /// SHA-256 in lower-case hexadecimal digits; so is that of the library.
        package let manifestSHA256: String?
        package let librarySHA256: String?
        /// The public key of a good signature of the files as they are.
        package let signedBy: String?

        enum CodingKeys: String, CodingKey {
            case file, state, reason, enabled, id, version, isolation, providers, library
            case manifestSHA256 = "manifest_sha256"
            case librarySHA256 = "library_sha256"
            case signedBy = "signed_by"
        }
    }

    /// In the order of the files' names.
    package let plugins: [Entry]

    /// Looks at manifests and the libraries that they name.
    ///
    /// - Parameters:
    ///   - files: The manifests.
    ///   - definition: What the host would open for a manifest.
    package init(_ files: [ManifestFile], definition: (PluginManifest) -> PluginDefinition) {
        plugins = files.map { Entry($0, definition: definition) }
    }

    /// A table for people.
    package var table: String {
        var table = TextTable(
            "FILE",
            "ID",
            "VERSION",
            "STATE",
            "ISOLATION",
            "PROVIDERS",
            "LIBRARY",
            "SHA-256",
            "SIGNED BY",
            "REASON"
        )
        for entry in plugins {
            table.add(
                entry.file,
                entry.id ?? "",
                entry.version ?? "",
                entry.state.rawValue,
                entry.isolation ?? "",
                entry.providers.joined(separator: ","),
                entry.library ?? "",
                entry.librarySHA256.map { String($0.prefix(12)) } ?? "",
                entry.signedBy ?? "",
                entry.reason ?? ""
            )
        }
        return table.text
    }
}

extension PluginListing.Entry {
    fileprivate init(_ file: ManifestFile, definition: (PluginManifest) -> PluginDefinition) {
        self.file = file.path
        enabled = file.isEnabled
        manifestSHA256 = file.bytes.isEmpty ? nil : SHA256.hash(data: file.bytes).hexadecimal
        let manifest: PluginManifest
        switch file.manifest {
        case .success(let understood): manifest = understood
        case .failure(let error):
            state = file.isEnabled ? .refused : .disabled
            reason = error.description
            (id, version, isolation, library, librarySHA256, signedBy) = (nil, nil, nil, nil, nil, nil)
            providers = []
            return
        }
        id = manifest.id
        version = manifest.version
        isolation = manifest.isolation.rawValue
        providers = manifest.providers
        let definition = definition(manifest)
        library = definition.libraryPath
        var refusal: PluginError?
        var found: LibraryFile?
        do throws(PluginError) {
            try LibraryFile.checkOwnership(definition.manifestPath)
            let file = try LibraryFile(definition.libraryPath)
            found = file
            try file.check(against: definition)
            if let functions = definition.functions { _ = try LibraryFile(functions, of: definition) }
        } catch {
            refusal = error
        }
        librarySHA256 = found?.sha256
        signedBy = PluginVerification(definition).signer
        reason = refusal?.message
        state = file.isEnabled ? (refusal == nil ? .ready : .refused) : .disabled
    }
}
