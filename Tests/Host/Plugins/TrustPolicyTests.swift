import Crypto
import Foundation
import HostCore
import HostFunctions
import Testing

@testable import HostPlugins

struct TrustPolicyTests {
    private let key = Curve25519.Signing.PrivateKey()

    /// A library, its manifest and their signature.
    private func signed(by key: Curve25519.Signing.PrivateKey? = nil) throws -> CompiledLibrary {
        let library = try CompiledLibrary()
        _ = try library.compile(CompiledLibrary.good)
        try library.write("manifest.yaml", Data("id: tiny\n".utf8))
        let signature = try PluginSignature(
            PluginSignature.Subject(
                manifest: try digest(library, "manifest.yaml"),
                library: try digest(library, "plugin.so")
            ),
            by: key ?? self.key
        )
        try library.write("manifest.yaml.sig", Data(signature.text.utf8))
        return library
    }

    private func digest(_ library: CompiledLibrary, _ name: String) throws -> String {
        SHA256.hash(data: try library.bytes(library.path(name))).hexadecimal
    }

    /// Makes the image as the host does; nil if it was opened.
    private func refusal(
        _ library: CompiledLibrary,
        hashes: [String] = [],
        keys: [PluginKey]? = nil,
        isShared: Bool = false,
        functions: FunctionsDefinition? = nil
    ) throws -> PluginError? {
        let definition = PluginDefinition(
            id: "tiny",
            version: "1.0",
            manifestPath: library.path("manifest.yaml"),
            manifest: try library.bytes(library.path("manifest.yaml")),
            libraryPath: library.path("plugin.so"),
            sha256: nil,
            allowsHost: { _, _, _ in false },
            configuration: [:],
            secrets: [:],
            profile: isShared ? ProviderProfile(adapter: "tiny", operations: [.chat], secretParameters: []) : nil,
            functions: functions,
            trust: TrustPolicy(keys: keys ?? [PluginKey(key.publicKey)], hashes: hashes)
        )
        do throws(PluginError) {
            _ = try PluginImage(definition, runDirectory: library.path("run"))
            return nil
        } catch {
            return error
        }
    }

    @Test
    func whatATrustedKeyHasSignedIsOpened() throws {
        let library = try signed()
        #expect(try refusal(library) == nil)
        try library.remove()
    }

    @Test
    func anUnsignedPluginIsNotOpenedAndItsFileIsNamed() throws {
        let library = try signed()
        try FileManager.default.removeItem(atPath: library.path("manifest.yaml.sig"))
        let error = try #require(try refusal(library))

        #expect(error.code == .untrusted)
        #expect(error.message.hasPrefix(library.path("manifest.yaml: it is not trusted: ")))
        #expect(error.message.contains("manifest.yaml.sig: No such file or directory. Sign the plugin with `gantry"))
        #expect(error.message.contains(try digest(library, "manifest.yaml")))
        #expect(!FileManager.default.fileExists(atPath: library.path("run")))
        try library.remove()
    }

    @Test
    func aSignatureByAStrangerDoesNotCount() throws {
        let library = try signed(by: Curve25519.Signing.PrivateKey())
        #expect(try refusal(library)?.message.contains("which is not among plugin_settings.trust.keys") == true)
        try library.remove()
    }

    @Test(arguments: ["manifest.yaml", "plugin.so"])
    func aFileThatWasChangedIsNamed(name: String) throws {
        let library = try signed()
        try library.write(name, Data(try library.bytes(library.path(name)) + [0x0a]), mode: 0o700)
        let message = try #require(try refusal(library)).message

        #expect(message.hasPrefix(library.path("\(name): it is not trusted: its SHA-256 is ")))
        #expect(message.contains("one of them was changed"))
        try library.remove()
    }

    @Test
    func aSignatureIsOfOneManifestWithOneLibrary() throws {
        // Two plugins of one author: the library of one under the manifest of the other is neither.
        let library = try signed()
        _ = try library.compile(CompiledLibrary.good + "static int other = 1;\n", options: ["-g"])

        #expect(try refusal(library)?.message.contains("plugin.so: it is not trusted") == true)
        try library.remove()
    }

    @Test
    func aSignatureThatIsForgedIsNotGood() throws {
        let library = try signed()
        let text = try #require(
            String(bytes: library.bytes(library.path("manifest.yaml.sig")), encoding: .utf8)
        )
        let signature = try PluginSignature(parsing: Array(text.utf8))
        let forged = Data(signature.signature.reversed()).base64EncodedString()
        let genuine = Data(signature.signature).base64EncodedString()
        try library.write("manifest.yaml.sig", Data(text.replacing(genuine, with: forged).utf8))

        #expect(try refusal(library)?.message.contains("the signature is not by its key") == true)
        try library.remove()
    }

    @Test
    func listedHashesNeedNoSignatureButEachFileHasToBeCovered() throws {
        let library = try signed(by: Curve25519.Signing.PrivateKey())
        let manifest = try digest(library, "manifest.yaml")
        let binary = try digest(library, "plugin.so")

        #expect(try refusal(library, hashes: [manifest, binary], keys: []) == nil)
        #expect(try refusal(library, hashes: [binary], keys: [])?.message.contains("manifest.yaml: it is not") == true)
        #expect(try refusal(library, hashes: [manifest], keys: [])?.message.contains("plugin.so: it is not") == true)
        try library.remove()
    }

    @Test
    func anAdapterOfManyIsVouchedForByAnyManifestOfItsFolder() throws {
        let library = try signed()
        // The manifest of another provider, signed alone.
        try FileManager.default.moveItem(
            atPath: library.path("manifest.yaml.sig"),
            toPath: library.path("openai.yaml.sig")
        )
        let subject = PluginSignature.Subject(manifest: try digest(library, "manifest.yaml"))
        try library.write("manifest.yaml.sig", Data(try PluginSignature(subject, by: key).text.utf8))

        #expect(try refusal(library, isShared: true) == nil)
        #expect(try refusal(library)?.message.contains("manifest.yaml.sig is not about it") == true)
        let stranger = try PluginSignature(
            PluginSignature.Subject(
                manifest: try digest(library, "manifest.yaml"),
                library: try digest(library, "plugin.so")
            ),
            by: Curve25519.Signing.PrivateKey()
        )
        try library.write("openai.yaml.sig", Data(stranger.text.utf8))
        #expect(try refusal(library, isShared: true)?.message.contains("plugin.so: it is not trusted") == true)
        try library.remove()
    }

    @Test
    func theLibraryOfFunctionsHasToBeCoveredToo() throws {
        let library = try signed()
        _ = try library.compile("int count(void) { return 1; }\n", to: "functions.so")
        let functions = FunctionsDefinition(
            libraryPath: library.path("functions.so"),
            sha256: nil,
            bindings: FunctionBindings()
        )
        let refused = try refusal(library, functions: functions)
        #expect(refused?.message.contains("functions.so: it is not trusted") == true)
        #expect(refused?.message.contains("manifest.yaml.sig is not about it") == true)
        #expect(try refusal(library, hashes: [try digest(library, "functions.so")], functions: functions) == nil)
        let subject = PluginSignature.Subject(
            manifest: try digest(library, "manifest.yaml"),
            library: try digest(library, "plugin.so"),
            functionsLibrary: try digest(library, "functions.so")
        )
        try library.write("manifest.yaml.sig", Data(try PluginSignature(subject, by: key).text.utf8))
        #expect(try refusal(library, functions: functions) == nil)
        _ = try library.compile("int count(void) { return 2; }\n", to: "functions.so")
        #expect(try refusal(library, functions: functions)?.message.contains("one of them was changed") == true)
        try library.remove()
    }

    @Test
    func whatIsJudgedIsWhatIsOpened() throws {
        let library = try signed()
        let file = try LibraryFile(library.path("plugin.so"))
        let sound = try library.bytes(library.path("plugin.so"))
        // Swapped after it was read: neither the hash nor the copy is of the other file.
        try library.write("plugin.so", Data("other".utf8), mode: 0o700)

        #expect(file.bytes == sound)
        #expect(file.sha256 == SHA256.hash(data: sound).hexadecimal)
        #expect(try refusal(library)?.code == .libraryRefused)
        try library.remove()
    }
}
