import ArgumentParser
import HostPluginTools

/// Looks at a library.
struct PluginInspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Look at a library: its file, the manifest beside it, and what the plugin says of itself.",
        discussion: "None of its code runs in this process. It ends with 1 if the host would not use the library."
    )

    @Argument(help: "The library.")
    var library: String

    @Option(help: "The folder of manifests. (default: the library's)")
    var plugins: String?

    @Option(help: "The configuration whose plugin_settings.trust is to hold.")
    var config: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try PluginTool.run {
            let trust = try PluginFolderOptions.trust(config)
            let folder = plugins.map { PluginFolder(path: $0) } ?? PluginFolder.split(library, otherwise: ".").0
            let inspection = try PluginInspection(
                library,
                manifests: try folder.manifests(),
                definition: { folder.definition($0, trust: trust) },
                ask: { _ in nil }
            )
            print(json ? try JSONReport.text(inspection) : inspection.text)
            if !inspection.problems.isEmpty { throw ExitCode(1) }
        }
    }
}
