import ArgumentParser
import HostPluginTools
import HostPlugins

/// Says who has signed a plugin.
struct PluginVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Say what is signed and by which key; ends with 1 unless the signature is good.",
        discussion: "With --config or --key the key has to be one of those, too."
    )

    @OptionGroup
    var options: PluginFolderOptions

    @Option(help: "A public key that counts: ed25519:BASE64. May be given several times.")
    var key: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    @Argument(help: "A plugin's id, its manifest's name or path.")
    var name: String

    /// The keys of which one must have signed; nil if any may.
    private func trustedKeys() throws -> [PluginKey]? {
        let named = try key.map { text in
            guard let key = PluginKey(text) else {
                throw ToolError(.usage, "--key \(text): a key is ed25519: and 32 bytes in base 64.")
            }
            return key
        }
        let trust = try options.trust()
        return trust == nil && named.isEmpty ? nil : named + (trust?.keys ?? [])
    }

    func run() async throws {
        try PluginTool.run {
            let (folder, name) = PluginFolder.split(name, otherwise: options.plugins, config: options.config)
            let definition = try folder.definition(named: name)
            let trusted = try trustedKeys()
            let verification = PluginVerification(definition, trusted: trusted)
            print(json ? try JSONReport.text(verification) : verification.text)
            if !verification.isGood { throw ExitCode(1) }
        }
    }
}
