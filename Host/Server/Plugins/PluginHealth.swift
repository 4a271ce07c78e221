import HostCore
import HostPlugins

/// A plugin in `/health`: short, and shorter for whoever does not see everything.
struct PluginHealth: Encodable {
    private enum CodingKeys: String, CodingKey {
        case plugin, state, isolation, problem, sandbox, breaker, crashes, restarts, workers
        case lastCrash = "last_crash"
    }

    private struct Crash: Encodable {
        let cause: String
        let text: String?
        let at: String
    }

    private let plugin: String
    private let state: String
    private let isolation: String?
    private let problem: String?
    private let sandbox: [String: String]?
    private let breaker: BreakerAnswer?
    /// How many of its workers take steps.
    private let workers: Int
    private let crashes: UInt64
    private let restarts: UInt64
    private let lastCrash: Crash?

    /// Makes an entry.
    ///
    /// - Parameters:
    ///   - overview: What is known of the plugin.
    ///   - inFull: Whether the texts are shown, which name files and limits of the host.
    init(_ overview: PluginOverview, inFull: Bool) {
        plugin = overview.id
        state = overview.standing.rawValue
        isolation = overview.state?.isolation?.rawValue
        problem = inFull ? overview.state?.problem : nil
        sandbox = inFull ? overview.state?.sandbox : nil
        breaker = (overview.state?.breaker).map(BreakerAnswer.init)
        workers = overview.state?.workers.filter(\.isReady).count ?? 0
        crashes = overview.meters?.crashes.values.reduce(0, +) ?? 0
        restarts = overview.meters?.restarts ?? 0
        lastCrash = (overview.meters?.lastCrash).map {
            Crash(cause: $0.cause.rawValue, text: inFull ? $0.text : nil, at: $0.at.text)
        }
    }
}
