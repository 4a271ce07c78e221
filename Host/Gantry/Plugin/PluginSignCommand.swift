import ArgumentParser
import HostPluginTools

/// Signs a plugin.
struct PluginSignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign a manifest and the libraries that it names, into MANIFEST.sig."
    )

    @Option(help: "The private key, as `gantry plugin keygen` makes it.")
    var key: String

    @Option(help: "The folder of plugin manifests.")
    var plugins = "plugins.d"

    @Argument(help: "A plugin's id, its manifest's name or path.")
    var name: String

    func run() async throws {
        try PluginTool.run {
            let key = try SigningKey(contentsOf: key)
            let (folder, name) = PluginFolder.split(name, otherwise: plugins)
            print(try PluginSigning.sign(try folder.definition(named: name), with: key).text)
        }
    }
}
