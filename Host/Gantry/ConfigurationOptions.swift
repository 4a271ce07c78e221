import ArgumentParser
import FoundationEssentials
import HostConfig
import Logging

/// The options that every command which reads the configuration has.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "The configuration: LiteLLM's config.yaml.")
    var config: String

    @Option(help: "The folder of plugin manifests.")
    var plugins = "plugins.d"

    @Option(help: "The folder for the registry, spooled uploads and copies of plugins.")
    var data = "data"

    @Option(help: "The least important lines that are logged.")
    var logLevel = LogLevel.info

    /// Reads the configuration and the manifests.
    ///
    /// - Parameters:
    ///   - earlier: What was in force until now; nil at the start.
    ///   - file: Taken for the configuration file instead of what is on the disk.
    /// - Returns: The file's bytes and what it says together with the manifests.
    /// - Throws: ``ConfigurationError`` for the configuration file, or if the folder of manifests cannot be listed.
    func load(
        after earlier: GatewayConfiguration? = nil,
        file: ConfigurationLoader.File? = nil
    ) throws(ConfigurationError) -> LoadedConfiguration {
        // The environment is asked each time.
        let loader = ConfigurationLoader(environment: Self.environment)
        let read: ConfigurationLoader.File
        if let file { read = file } else { read = try loader.file(config) }
        let configuration = try loader.read(configuration: read, pluginsDirectory: plugins, after: earlier)
        return LoadedConfiguration(file: read, configuration: configuration)
    }

    /// A logger that writes to standard error.
    func makeLogger() -> Logger {
        var logger = Logger(label: "gantry") { label in StreamLogHandler.standardError(label: label) }
        logger.logLevel = logLevel.level
        return logger
    }

    /// The variables of this process.
    static var environment: [String: String] { ProcessInfo.processInfo.environment }
}

/// The levels of the log, as the command line spells them.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical

    var level: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }
}
