import ArgumentParser
import HostPluginTools
import HostPlugins

/// Puts a library through the rules of the ABI.
struct PluginCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a library against every rule of the ABI; ends with 1 if it breaks one.",
        discussion: """
            Each rule is checked in a fresh worker in its sandbox, so that a plugin that crashes or hangs is found out \
            and does no harm. Without scripts the checker makes some for the operations that the plugin serves, with \
            answers in OpenAI's form.
            """
    )

    /// A script is text that people or tests have written.
    private static let maximumScriptBytes = 8 << 20

    @Option(help: "A parameter of the deployment: NAME=VALUE, as JSON or text. May be given several times.")
    var param: [String] = []

    @Option(help: "A rule to check instead of all. May be given several times.")
    var rule: [String] = []

    @Option(help: "How many seconds one rule may take.")
    var timeLimit = 60

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Print the rules, and check nothing.")
    var list = false

    @Argument(help: "The library.")
    var library: String?

    @Argument(help: "Files of scripts.")
    var scripts: [String] = []

    func validate() throws {
        guard list || library != nil else { throw ValidationError("Name a library, or give --list.") }
        guard (1...3600).contains(timeLimit) else { throw ValidationError("--time-limit is 1 to 3600 seconds.") }
    }

    func run() async throws {
        try PluginTool.run {
            guard let library, !list else { return print(Self.rules) }
            let checker = try PluginChecker(
                scripts: try scripts.map { (path: $0, text: try Self.script($0)) },
                parameters: try param.map(Self.parameter),
                limit: .seconds(timeLimit),
                executable: HostExecutable.worker
            )
            let report = try checker.check(library, rules: rule)
            print(json ? try JSONReport.text(report) : report.text)
            if report.hasFailures { throw ExitCode(1) }
        }
    }

    private static var rules: String {
        var table = TextTable("RULE", "WHAT A PLUGIN HAS TO DO")
        for (name, summary) in PluginChecker.rules { table.add(name, summary) }
        return table.text
    }

    private static func parameter(_ text: String) throws -> (name: String, value: String) {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw ToolError(.usage, "--param \(text): a parameter is NAME=VALUE.")
        }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }

    private static func script(_ path: String) throws -> [UInt8] {
        do throws(RegularFile.Failure) {
            return try RegularFile.read(path, atMost: maximumScriptBytes)
        } catch {
            throw ToolError(.file, "\(path): \(error.reason).")
        }
    }
}
