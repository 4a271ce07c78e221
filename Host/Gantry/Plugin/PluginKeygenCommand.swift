import ArgumentParser
import HostPluginTools

/// Makes a key that plugins are signed with.
struct PluginKeygenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make an Ed25519 key to sign plugins with, and print its public part for plugin_settings.trust.keys."
    )

    @Argument(help: "The file for the private key, which must not exist yet; only its owner may read it.")
    var file: String

    func run() async throws {
        try PluginTool.run { print(try SigningKey.make(at: file).publicKey) }
    }
}
