import ArgumentParser

/// The `gantry` executable.
@main
struct GantryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gantry",
        abstract: "A gateway in front of LLM providers: one file id for all of them, one owner for each file.",
        version: gantryVersion,
        subcommands: [ServeCommand.self, CheckCommand.self, RoutesCommand.self, PluginCommand.self]
    )
}

/// The version of the host; the ABI has its own.
let gantryVersion = "0.1.0"
