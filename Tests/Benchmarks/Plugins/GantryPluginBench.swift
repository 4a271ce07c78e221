import ArgumentParser

/// What plugins cost the host, without the network.
@main
struct GantryPluginBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gantry-plugin-bench",
        abstract: "Measures steps, starts and deaths of a plugin and calls of plain functions; one line of JSON each.",
        subcommands: [StepsCommand.self, StartsCommand.self, DeathsCommand.self, FunctionCommand.self]
    )
}

/// The plugin that is measured: one that answers a chat in its first step.
struct PluginOptions: ParsableArguments {
    @Option(help: "The library's path.")
    var library: String

    @Option(help: "The id that the library has.")
    var id: String

    @Option(help: "Where a private copy of the library is put.")
    var run: String

    @Option(help: "The path of gantry-worker; without it the plugin runs inside of this process.")
    var worker: String?

    @Option(help: "Worker processes.")
    var workers = 1
}
