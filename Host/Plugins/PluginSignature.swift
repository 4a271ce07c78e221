import Crypto
import FoundationEssentials
import HostCore

/// A signature of a plugin: the text of the file beside its manifest.
///
/// ```
/// gantry-signature: 1
/// key: ed25519:MCowBQYDK2VwAyEA…
/// manifest: 64 hexadecimal digits
/// library: 64 hexadecimal digits
/// signature: base 64
/// ```
/// `library` and `functions_library` are there if the manifest names such files. What is signed is the text before the
/// last line. There is one way to write a signature, so none that differs in a byte is read as the same.
package struct PluginSignature: Hashable, Sendable {
    /// The files that a plugin is made of.
    package enum Part: String, Sendable {
        case manifest
        case library
        case functionsLibrary = "functions_library"
    }

    /// What one signature is about.
    package struct Subject: Hashable, Sendable {
        /// SHA-256 of the manifest's bytes, in lower-case hexadecimal digits; so are the others.
        package var manifest: String
        /// That of the adapter; nil if the manifest names no library of its own.
        package var library: String?
        /// That of the library of plain functions; nil if there is none.
        package var functionsLibrary: String?

        /// The digest of one of the files; nil if the signature is not about such a file.
        package subscript(part: Part) -> String? {
            switch part {
            case .manifest: manifest
            case .library: library
            case .functionsLibrary: functionsLibrary
            }
        }

        /// Makes a subject.
        package init(manifest: String, library: String? = nil, functionsLibrary: String? = nil) {
            self.manifest = manifest
            self.library = library
            self.functionsLibrary = functionsLibrary
        }
    }

    /// Why a file is no signature.
    package struct Fault: Error, Hashable {
        package let reason: String
    }

    static let maximumSizeInBytes = 4096
    private static let head = "gantry-signature: 1"

    package let key: PluginKey
    package let subject: Subject
    /// 64 bytes.
    package let signature: [UInt8]

    /// Signs.
    ///
    /// - Parameters:
    ///   - subject: What the signature is about.
    ///   - key: The private key.
    /// - Throws: What the cryptographic library refuses.
    package init(_ subject: Subject, by key: Curve25519.Signing.PrivateKey) throws {
        self.subject = subject
        self.key = PluginKey(key.publicKey)
        signature = Array(try key.signature(for: Data(Self.signedText(subject, self.key).utf8)))
    }

    /// Reads a signature file; whether the signature is good is another question.
    ///
    /// - Parameter bytes: The file.
    /// - Throws: ``Fault`` for all that ``text`` cannot have made.
    package init(parsing bytes: [UInt8]) throws(Fault) {
        guard bytes.count <= Self.maximumSizeInBytes, let text = String(validating: bytes, as: UTF8.self) else {
            throw Fault(reason: "it is no signature file")
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard lines.popFirst().map(String.init) == Self.head else {
            throw Fault(reason: "it does not begin with `\(Self.head)`: it is no signature file, or of another version")
        }
        func value(_ name: String) -> String? {
            guard let line = lines.first, line.hasPrefix("\(name): ") else { return nil }
            lines.removeFirst()
            return String(line.dropFirst(name.count + 2))
        }
        guard let key = value("key").flatMap(PluginKey.init) else { throw Fault(reason: "its key is malformed") }
        guard let manifest = value("manifest") else { throw Fault(reason: "it names no manifest") }
        self.key = key
        subject = Subject(
            manifest: manifest,
            library: value("library"),
            functionsLibrary: value("functions_library")
        )
        guard let signature = value("signature").flatMap({ Data(base64Encoded: $0) }), signature.count == 64 else {
            throw Fault(reason: "its signature is malformed")
        }
        self.signature = Array(signature)
        guard Array(self.text.utf8) == bytes, subject.isWellFormed else { throw Fault(reason: "it is malformed") }
    }

    /// Whether its key has signed this subject.
    package var isGood: Bool {
        key.publicKey?.isValidSignature(Data(signature), for: Data(Self.signedText(subject, key).utf8)) ?? false
    }

    /// The file.
    package var text: String {
        Self.signedText(subject, key) + "signature: \(Data(signature).base64EncodedString())\n"
    }

    /// The path of a manifest's signature.
    package static func path(ofManifest path: String) -> String { "\(path).sig" }

    private static func signedText(_ subject: Subject, _ key: PluginKey) -> String {
        var lines = [head, "key: \(key)", "manifest: \(subject.manifest)"]
        if let library = subject.library { lines.append("library: \(library)") }
        if let library = subject.functionsLibrary { lines.append("functions_library: \(library)") }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension PluginSignature.Subject {
    fileprivate var isWellFormed: Bool {
        [manifest, library, functionsLibrary].compactMap { $0 }.allSatisfy { digest in
            digest.utf8.count == 64
                && digest.utf8.allSatisfy { byte in
                    UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
                }
        }
    }
}
