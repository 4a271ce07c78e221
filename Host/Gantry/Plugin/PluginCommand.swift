import ArgumentParser

/// The commands for those who make plugins and those who run them.
struct PluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin",
        abstract: "Make, look at, check, sign and switch plugins.",
        discussion: """
            They end with 0 if all is well, with 1 if the answer is no, and with 2 if they could not do what they were \
            asked for.
            """,
        subcommands: [
            PluginNewCommand.self, PluginListCommand.self, PluginInspectCommand.self, PluginCheckCommand.self,
            PluginCallCommand.self, PluginEnableCommand.self, PluginDisableCommand.self, PluginKeygenCommand.self,
            PluginSignCommand.self, PluginVerifyCommand.self,
        ]
    )
}
