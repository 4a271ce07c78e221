import HostConfig
import HostCore
import HostPlugins
import HostServer
import HostWatch
import Logging
import Synchronization

/// The configuration that is in force: it is read again whenever its files change, and what is wrong with them then
/// leaves in force what was there before.
final class LiveConfiguration: Sendable {
    private struct State {
        /// The bytes that were right the last time.
        var file: ConfigurationLoader.File
        var configuration: GatewayConfiguration
        var watch: WatchPlan
        var log = ReloadLog()
        /// When workers that could not be started are tried again.
        var retry = RetryPace()
    }

    /// What the gateway was started with.
    let started: GatewayConfiguration
    let plugins: PluginHost
    private let options: ConfigurationOptions
    private let logger: Logger
    private let services = Mutex<GatewayServices?>(nil)
    private let state: Mutex<State>
    /// What became of everything at the start.
    let first: ReloadReport
    /// What was loaded, for `gantry check`.
    let summary: String

    /// Loads everything for the first time.
    ///
    /// - Parameters:
    ///   - loaded: The configuration file that was read and what it says.
    ///   - options: Where it came from.
    ///   - plugins: A host that serves nothing yet.
    ///   - logger: For a line about every file.
    /// - Throws: ``StartupError`` if a key of `plugin_settings.trust` is none.
    init(
        _ loaded: LoadedConfiguration,
        options: ConfigurationOptions,
        plugins: PluginHost,
        logger: Logger
    ) throws(StartupError) {
        let definitions = try PluginDefinitions(loaded.configuration, manifestFolder: options.plugins)
        let applied = plugins.apply(definitions.plan)
        let report = ReloadReport(loaded.configuration, applied, earlier: nil)
        Self.count(loaded.configuration, plugins.meters)
        var log = ReloadLog()
        log.write(report, to: logger)
        var retry = RetryPace()
        retry.note(failed: applied.isWorthRepeating, isRetry: false)
        self.options = options
        self.plugins = plugins
        self.logger = logger
        started = loaded.configuration
        first = report
        summary = definitions.report
        state = Mutex(
            State(
                file: loaded.file,
                configuration: loaded.configuration,
                watch: WatchPlan(options, libraries: definitions.libraryPaths),
                log: log,
                retry: retry
            )
        )
    }

    /// Has the routes follow what changes.
    func serve(_ services: GatewayServices) { self.services.withLock { $0 = services } }

    /// Reads everything again and puts it in force; blocks.
    ///
    /// - Parameter cause: Why.
    /// - Returns: What is to be watched from now on.
    func reload(_ cause: FolderWatch.Cause) -> WatchPlan {
        state.withLock { state in
            let begin = ContinuousClock.now
            var report: ReloadReport
            do {
                let (loaded, problem) = try read(after: state)
                let definitions = try PluginDefinitions(loaded.configuration, manifestFolder: options.plugins)
                let applied = plugins.apply(definitions.plan)
                Self.count(loaded.configuration, plugins.meters)
                let settings = loaded.configuration.general.liveSettings
                services.withLock { $0?.follow(settings) }
                report = ReloadReport(loaded.configuration, applied, earlier: state.configuration)
                report.problem = problem?.description
                report.keysForRestart = loaded.configuration.keysForRestart(since: started)
                state.retry.note(failed: applied.isWorthRepeating, isRetry: cause == .retry)
                state.file = loaded.file
                state.configuration = loaded.configuration
                state.watch = WatchPlan(options, libraries: definitions.libraryPaths)
            } catch {
                report = ReloadReport(problem: StartupError(error, listeningOn: options.config).description)
            }
            let word = cause == .request ? "signal" : cause.rawValue
            state.log.write(report, to: logger, cause: word, took: begin.duration(to: .now))
            return state.watch
        }
    }

    /// How long to wait before everything is read again although nothing has changed; nil if that would be no use.
    var pause: Duration? { state.withLock { $0.retry.pause } }

    /// What is watched at first.
    var watch: WatchPlan { state.withLock { $0.watch } }

    /// Counts the manifests that are refused; what is refused of others the plugin host counts.
    private static func count(_ configuration: GatewayConfiguration, _ meters: PluginMeterBoard) {
        for manifest in configuration.manifests {
            guard let refusal = manifest.refusal else { continue }
            let name = manifest.file.split(separator: "/").last.map(String.init) ?? manifest.file
            meters.meters(of: manifest.id ?? name).noteRefusal(.manifest, refusal.description)
        }
    }

    /// What the files say now, or the manifests of now with the configuration file as it was right the last time.
    private func read(
        after state: State
    ) throws(ConfigurationError) -> (LoadedConfiguration, problem: ConfigurationError?) {
        do throws(ConfigurationError) {
            return (try options.load(after: state.configuration), nil)
        } catch {
            return (try options.load(after: state.configuration, file: state.file), error)
        }
    }
}

/// A configuration file and what it says together with the manifests.
struct LoadedConfiguration {
    let file: ConfigurationLoader.File
    let configuration: GatewayConfiguration
}

extension GeneralSettings {
    /// What of it is followed without a restart.
    var liveSettings: LiveSettings {
        LiveSettings(
            limits: GatewayLimits(
                fileBytes: maximumFileBytes,
                uploadBytes: maximumUploadBytes,
                requestBytes: maximumRequestBytes
            ),
            defaultExpiry: defaultExpiry
        )
    }
}
