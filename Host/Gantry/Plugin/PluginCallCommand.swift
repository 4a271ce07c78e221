import ArgumentParser
import HostPluginTools
import HostPlugins

/// Calls a function of a C library.
struct PluginCallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Call a function of a C library, as a manifest's hooks and functions are called.",
        discussion: """
            The library is opened in a sandboxed process that may do nothing. SIGNATURE is what the function takes and \
            gives, such as "i32(cstr, out)"; gantry_functions.h explains it. `out` has no argument here. An argument \
            that begins with - stands after --. It ends with 1 if the function fails.
            """
    )

    @Argument(help: "The library.")
    var library: String

    @Argument(help: "The C name of the function.")
    var symbol: String

    @Argument(help: "What it takes and gives.")
    var signature: String

    @Argument(help: "The arguments; for `bytes` also @ and the path of a file.")
    var arguments: [String] = []

    @Option(help: "The path of gantry-worker. (default: beside this executable)")
    var worker: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try PluginTool.run {
            let trial = try FunctionTrial(library: library, symbol: symbol, signature: signature)
            let answer = try trial.call(
                try trial.arguments(arguments),
                worker: worker ?? HostExecutable.worker
            )
            let report = FunctionReport(answer)
            print(json ? try JSONReport.text(report) : report.text)
        }
    }
}
