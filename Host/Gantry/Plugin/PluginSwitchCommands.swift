import ArgumentParser
import HostConfig
import HostPluginTools

/// Lets the gateway use a plugin.
struct PluginEnableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable",
        abstract: "Take `enabled: false` back in a manifest; nothing else of the file changes."
    )

    @OptionGroup
    var options: PluginSwitchOptions

    func run() async throws { try PluginTool.run { try options.set(true) } }
}

/// Keeps the gateway from using a plugin.
struct PluginDisableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable",
        abstract: "Write `enabled: false` into a manifest; nothing else of the file changes."
    )

    @OptionGroup
    var options: PluginSwitchOptions

    func run() async throws { try PluginTool.run { try options.set(false) } }
}

/// Which manifest is switched.
struct PluginSwitchOptions: ParsableArguments {
    @Option(help: "The folder of plugin manifests.")
    var plugins = "plugins.d"

    @Argument(help: "A plugin's id, its manifest's name or path.")
    var name: String

    func set(_ isEnabled: Bool) throws {
        let (folder, name) = PluginFolder.split(name, otherwise: plugins)
        let file = try folder.manifest(named: name)
        let change = try ManifestEditor(file).set(isEnabled)
        let word = isEnabled ? "enabled" : "disabled"
        print("\(file.path): \(change.hasChanged ? word : "is \(word) already").")
        if let warning = change.warning { _ = StartupError(warning).exit() }
    }
}
