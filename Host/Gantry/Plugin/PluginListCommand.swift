import ArgumentParser
import HostPluginTools

/// Lists the manifests.
struct PluginListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List every manifest of plugins.d and whether the host would open its plugin; no plugin is run."
    )

    @OptionGroup
    var options: PluginFolderOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try PluginTool.run {
            let trust = try options.trust()
            let folder = PluginFolder(path: options.plugins, config: options.config)
            let listing = PluginListing(try folder.manifests()) { folder.definition($0, trust: trust) }
            print(json ? try JSONReport.text(listing) : listing.table)
        }
    }
}
