import ArgumentParser
import HostPluginTools
import HostPlugins

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

    @Option(help: "The configuration, whose plugin_settings.trust holds.")
    var config: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try PluginTool.run {
            let trust = try PluginFolderOptions.trust(config)
            var (folder, _) = PluginFolder.split(library, otherwise: ".", config: config)
            if let plugins { folder = PluginFolder(path: plugins, config: config) }
            let inspection = try PluginInspection(
                library,
                manifests: try folder.manifests(),
                definition: { folder.definition($0, trust: $1) },
                trust: trust,
                worker: HostExecutable.worker
            )
            print(json ? try JSONReport.text(inspection) : inspection.text)
            if !inspection.problems.isEmpty { throw ExitCode(1) }
        }
    }
}
