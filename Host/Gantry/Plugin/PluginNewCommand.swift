import ArgumentParser
import HostPluginTools

/// Writes a small working plugin.
struct PluginNewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Write a small working plugin with its build file, its manifest and a test script."
    )

    @Option(help: "What it is written in.")
    var language: PluginTemplate.Language

    @Option(help: "The folder to write it into. (default: one called NAME)")
    var directory: String?

    @Argument(help: "The plugin's id and provider: lower-case letters, digits, _ and -.")
    var name: String

    func run() async throws {
        try PluginTool.run {
            let folder = directory ?? name
            try PluginTemplate(language, name: name).write(to: folder)
            print(
                "\(folder): a plugin in \(language.rawValue). README.md says what is what; ./test.sh builds and checks it."
            )
        }
    }
}

extension PluginTemplate.Language: ExpressibleByArgument {}
