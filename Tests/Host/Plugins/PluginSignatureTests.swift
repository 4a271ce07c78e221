import Crypto
import Foundation
import HostPlugins
import Testing

struct PluginSignatureTests {
    private let key = Curve25519.Signing.PrivateKey()
    private let subject = PluginSignature.Subject(
        manifest: String(repeating: "0a", count: 32),
        library: String(repeating: "1b", count: 32)
    )

    @Test
    func whatIsWrittenIsReadAgain() throws {
        var subjects = [subject, PluginSignature.Subject(manifest: subject.manifest)]
        subjects.append(PluginSignature.Subject(manifest: subject.manifest, functionsLibrary: subject.library))
        for subject in subjects {
            let signature = try PluginSignature(subject, by: key)
            let read = try PluginSignature(parsing: Array(signature.text.utf8))

            #expect(read == signature)
            #expect(read.isGood)
            #expect(read.subject == subject)
            #expect(read.key == PluginKey(key.publicKey))
        }
    }

    @Test
    func aSignatureWithAnyBitFlippedIsNotGood() throws {
        let bytes = Array(try PluginSignature(subject, by: key).text.utf8)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                let read = Result { () throws(PluginSignature.Fault) in try PluginSignature(parsing: changed) }
                if case .success(let signature) = read {
                    #expect(!signature.isGood, "bit \(bit) of byte \(index)")
                }
            }
        }
    }

    @Test
    func aSignatureThatIsCutOrLongerIsRefused() throws {
        let bytes = Array(try PluginSignature(subject, by: key).text.utf8)
        for count in 0..<bytes.count {
            #expect(throws: PluginSignature.Fault.self) { try PluginSignature(parsing: Array(bytes[..<count])) }
        }
        for more in ["\n", " ", "x", "signature: \n", "\0"] {
            #expect(throws: PluginSignature.Fault.self) { try PluginSignature(parsing: bytes + Array(more.utf8)) }
        }
    }

    @Test
    func aLineThatIsMovedOrLeftOutMakesItBad() throws {
        let lines = try PluginSignature(subject, by: key).text.split(separator: "\n")
        for index in lines.indices {
            var fewer = lines
            let line = fewer.remove(at: index)
            for other in lines.indices where other != index {
                var moved = fewer
                moved.insert(line, at: other)
                #expect(!isGood(moved))
            }
            #expect(!isGood(fewer))
        }
    }

    private func isGood(_ lines: [Substring]) -> Bool {
        let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
        let read = Result { () throws(PluginSignature.Fault) in try PluginSignature(parsing: bytes) }
        guard case .success(let signature) = read else { return false }
        return signature.isGood
    }

    @Test
    func anotherKeyCannotTakeItOver() throws {
        let signature = try PluginSignature(subject, by: key)
        let other = PluginKey(Curve25519.Signing.PrivateKey().publicKey)
        let text = signature.text.replacing("\(signature.key)", with: "\(other)")

        #expect(try !PluginSignature(parsing: Array(text.utf8)).isGood)
    }

    @Test(arguments: ["", "\n", "gantry-signature: 2\n", "-----BEGIN SSH SIGNATURE-----\n", "{}"])
    func whatIsNoSignatureIsRefused(text: String) {
        #expect(throws: PluginSignature.Fault.self) { try PluginSignature(parsing: Array(text.utf8)) }
    }

    @Test(arguments: ["", "ed25519:", "ed25519:AAAA", "ED25519:", " ed25519:", "rsa:AAAA"])
    func whatIsNoKeyIsRefused(text: String) {
        #expect(PluginKey(text) == nil)
        let data = Data(repeating: 3, count: 32).base64EncodedString()
        #expect(PluginKey("ed25519:" + data)?.description == "ed25519:" + data)
        // The bits that base 64 leaves over have to be 0: else one key had several names.
        #expect(PluginKey("ed25519:" + data.dropLast(2) + "N=") == nil)
    }
}
