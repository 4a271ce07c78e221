import HostConfig
import HostPlugins
import Logging

/// What became of the files, one line for each.
struct ReloadReport {
    /// A line of the log.
    struct Line: Equatable {
        let level: Logger.Level
        let message: String
        let metadata: [String: String]
    }

    private(set) var lines: [Line] = []
    /// What is refused of manifests, plugins and deployments, a line each.
    private(set) var refusals: [String] = []
    /// What makes a start fail: the configuration file says something to a plugin that this does not take.
    private(set) var faults: [String] = []
    /// How many plugins were loaded, and deployments made or removed.
    private(set) var changes = 0
    private(set) var deployments = 0
    /// Why the configuration file, or the folder of manifests, is not followed; nil if it is.
    var problem: String?
    /// What was changed and is not followed before a restart.
    var keysForRestart: [String] = []

    /// Nothing was changed.
    init(problem: String) { self.problem = problem }

    /// Says what became of a configuration.
    ///
    /// - Parameters:
    ///   - configuration: What the files say.
    ///   - applied: What became of that.
    ///   - earlier: What was in force before; nil at the start.
    init(_ configuration: GatewayConfiguration, _ applied: PluginReport, earlier: GatewayConfiguration?) {
        let plugins = Dictionary(applied.plugins.map { ($0.manifest, $0) }) { first, _ in first }
        for manifest in configuration.manifests { add(manifest, plugins[manifest.file]) }
        let present = Set(configuration.manifests.map(\.file))
        for gone in earlier?.manifests ?? [] where gone.verdict != .notManifest && !present.contains(gone.file) {
            add(.info, "manifest removed", ["plugin.manifest": gone.file])
        }
        for target in applied.refusedTargets {
            refusals.append(target.error.message)
            if target.error.code == .configurationRefused { faults.append(target.error.message) }
            add(
                .warning,
                "deployment refused",
                [
                    "deployment.id": "\(target.deployment)", "reason": target.error.message,
                    "earlier": Self.word(target.earlierStays),
                ]
            )
        }
        for out in configuration.leftOut {
            add(
                .warning,
                "deployment left out",
                ["deployment.id": "\(out.id)", "reason": "\(out.location): \(out.reason)"]
            )
        }
        for warning in configuration.warnings { add(.warning, "configuration", ["at": warning]) }
        changes += applied.newTargets + applied.removedTargets.count + applied.removedPlugins.count
        deployments = applied.keptTargets + applied.newTargets
    }

    private mutating func add(_ manifest: ManifestReport, _ plugin: PluginReport.Plugin?) {
        var metadata = ["plugin.manifest": manifest.file]
        if let id = manifest.id { metadata["plugin.name"] = id }
        switch manifest.verdict {
        case .notManifest: add(.info, "not a manifest", metadata)
        case .disabled: add(.info, "manifest disabled", metadata)
        case .refused(let error, let earlierStays):
            refusals.append(error.description)
            metadata["reason"] = error.description
            metadata["earlier"] = Self.word(earlierStays)
            add(.warning, "manifest refused", metadata)
        case .accepted: add(plugin, metadata)
        }
    }

    private mutating func add(_ plugin: PluginReport.Plugin?, _ metadata: [String: String]) {
        var metadata = metadata
        switch plugin?.verdict {
        case nil, .unused: add(.info, "manifest not needed: no deployment uses it", metadata)
        case .unchanged: add(.debug, "manifest unchanged", metadata)
        case .loaded(let generation, let sha256):
            changes += 1
            metadata["plugin.generation"] = "\(generation)"
            metadata["plugin.sha256"] = sha256
            add(.info, "manifest loaded", metadata)
        case .refused(let error, let earlierStays):
            refusals.append(plugin?.refusal ?? error.message)
            metadata["reason"] = error.message
            metadata["earlier"] = Self.word(earlierStays)
            add(.warning, "manifest refused", metadata)
        }
    }

    private mutating func add(_ level: Logger.Level, _ message: String, _ metadata: [String: String]) {
        lines.append(Line(level: level, message: message, metadata: metadata))
    }

    /// What becomes of what was there before.
    private static func word(_ stays: Bool) -> String { stays ? "stays" : "none" }
}

/// Writes reports to the log; what was said the last time is said at `debug` only.
struct ReloadLog {
    private var latest: [ReloadReport.Line] = []
    private var latestProblem: String?
    private var latestKeys: [String] = []

    /// Writes what became of the start.
    mutating func write(_ report: ReloadReport, to logger: Logger) { writeLines(report, to: logger) }

    /// Writes what became of a reload.
    mutating func write(_ report: ReloadReport, to logger: Logger, cause: String, took: Duration) {
        if let problem = report.problem {
            logger.log(
                level: problem == latestProblem ? .debug : .error,
                "the configuration is refused and the one before stays",
                metadata: ["reason": "\(problem)"]
            )
        }
        latestProblem = report.problem
        // Without lines nothing was looked at.
        if !report.lines.isEmpty { writeLines(report, to: logger) }
        if report.problem == nil {
            if !report.keysForRestart.isEmpty, report.keysForRestart != latestKeys {
                logger.warning(
                    "a restart is needed for some of what was changed",
                    metadata: ["keys": "\(report.keysForRestart.joined(separator: ", "))"]
                )
            }
            latestKeys = report.keysForRestart
        }
        let (seconds, attoseconds) = took.components
        logger.log(
            level: report.changes > 0 || cause == "signal" ? .info : .debug,
            "configuration read again",
            metadata: [
                "cause": "\(cause)", "changes": "\(report.changes)", "deployments": "\(report.deployments)",
                "refused": "\(report.refusals.count)",
                "milliseconds": "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)",
            ]
        )
    }

    private mutating func writeLines(_ report: ReloadReport, to logger: Logger) {
        let known = Set(latest.map(\.text))
        for line in report.lines {
            logger.log(
                level: known.contains(line.text) ? .debug : line.level,
                "\(line.message)",
                metadata: line.metadata.mapValues { "\($0)" }
            )
        }
        latest = report.lines
    }
}

extension ReloadReport.Line {
    fileprivate var text: String {
        message + metadata.sorted { $0.key < $1.key }.map { "\u{0}\($0.key)=\($0.value)" }.joined()
    }
}
