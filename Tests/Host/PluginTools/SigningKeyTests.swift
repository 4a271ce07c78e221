import Foundation
import HostPlugins
import Testing

@testable import HostPluginTools

struct SigningKeyTests {
    private let folder = NSTemporaryDirectory() + "gantry-key-" + UUID().uuidString

    private func path(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return "\(folder)/\(name)"
    }

    private func message(_ body: () throws(ToolError) -> Void) -> String? {
        do throws(ToolError) {
            try body()
            return nil
        } catch {
            return error.message
        }
    }

    @Test
    func aKeyIsReadAgainAndOnlyItsOwnerCanReadIt() throws {
        let path = try path("key")
        let key = try SigningKey.make(at: path)

        #expect(try SigningKey(contentsOf: path).publicKey == key.publicKey)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test
    func aFileThatIsThereIsNotTouched() throws {
        let path = try path("key")
        let key = try SigningKey.make(at: path)
        let link = try self.path("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: try self.path("elsewhere"))

        #expect(message { () throws(ToolError) in _ = try SigningKey.make(at: path) }?.contains("File exists") == true)
        #expect(message { () throws(ToolError) in _ = try SigningKey.make(at: link) } != nil)
        #expect(!FileManager.default.fileExists(atPath: try self.path("elsewhere")))
        #expect(try SigningKey(contentsOf: path).publicKey == key.publicKey)
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o602, 0o610])
    func aKeyThatOthersCanReadIsRefused(mode: Int) throws {
        let path = try path("key")
        _ = try SigningKey.make(at: path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let refusal = message { () throws(ToolError) in _ = try SigningKey(contentsOf: path) }

        #expect(refusal?.contains("chmod 600") == true)
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test(arguments: ["", "ed25519-private:", "ed25519-private:AAAA", "ed25519:AAAA", "-----BEGIN PRIVATE KEY-----"])
    func whatIsNoKeyIsRefusedWithoutBeingShown(text: String) throws {
        let path = try path("key")
        try AtomicFile.create(Array(text.utf8), at: path, mode: 0o600)
        let refusal = message { () throws(ToolError) in _ = try SigningKey(contentsOf: path) }

        #expect(refusal == "\(path): this is no private key. Make one with `gantry plugin keygen`.")
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test
    func aLinkIsFollowedAndKeepsItsPlace() throws {
        let real = try path("real.yaml")
        let link = try path("link.yaml")
        try AtomicFile.create(Array("old".utf8), at: real, mode: 0o640)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "real.yaml")
        try AtomicFile.write(Array("new".utf8), to: link)

        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "real.yaml")
        #expect(try String(contentsOfFile: real, encoding: .utf8) == "new")
        #expect(try FileManager.default.attributesOfItem(atPath: real)[.posixPermissions] as? Int == 0o640)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["link.yaml", "real.yaml"])
        try FileManager.default.removeItem(atPath: folder)
    }
}
