import ArgumentParser
import HostConfig
import HostPluginTools
import HostPlugins

/// How the commands for plugins end.
enum PluginTool {
    /// Does a command's work, and turns what it throws into one line on standard error and an exit code.
    ///
    /// - Parameter body: The work.
    /// - Throws: An `ExitCode`: 1 if the answer is no, 2 for everything else.
    static func run(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            throw exit(error)
        }
    }

    /// Prints an error as one line on standard error and makes the exit code of it.
    static func exit(_ error: any Error) -> ExitCode {
        switch error {
        case let code as ExitCode: return code
        case let error as ToolError:
            let code = StartupError(error.message).exit()
            return error.code == .refused ? ExitCode(1) : code
        case is StartupError, is ConfigurationError, is PluginError:
            return StartupError(error, listeningOn: "plugin").exit()
        default: return StartupError("\(error)").exit()
        }
    }
}
