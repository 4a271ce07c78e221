import HostCore
import HostPlugins

/// The families of the plugins and of their deployments.
extension MetricsPage {
    private static let stepTimes = "gantry_plugin_step_duration_seconds"

    /// Adds what is known of the plugins.
    mutating func add(_ overviews: [PluginOverview]) {
        addStates(overviews)
        addCounters(overviews)
        begin(Self.stepTimes, .histogram, "How long the steps of operations took inside of the plugin.")
        for overview in overviews {
            if let meters = overview.meters { add(meters.steps, [("plugin", overview.id)]) }
        }
    }

    /// Adds how busy the deployments are.
    mutating func add(_ deployments: [(Deployment, DeploymentStanding)]) {
        let labels = { (deployment: Deployment) in
            [("deployment", deployment.id.description), ("model", deployment.modelName), ("plugin", deployment.plugin)]
        }
        begin("gantry_deployment_outstanding_requests", .gauge, "Requests that run or wait for their turn.")
        for (deployment, standing) in deployments {
            sample("gantry_deployment_outstanding_requests", labels(deployment), "\(standing.outstanding)")
        }
        begin("gantry_deployment_resting", .gauge, "Whether it is spared after failures: 1 or 0.")
        for (deployment, standing) in deployments {
            sample("gantry_deployment_resting", labels(deployment), standing.rest == nil ? "0" : "1")
        }
    }

    private mutating func addStates(_ overviews: [PluginOverview]) {
        begin("gantry_plugin_info", .gauge, "What is loaded; the value is always 1.")
        for state in overviews.compactMap(\.state) {
            let labels = [
                ("plugin", state.id), ("version", state.version ?? ""), ("sha256", state.sha256 ?? ""),
                ("isolation", state.isolation?.rawValue ?? ""), ("state", state.standing.rawValue),
            ]
            sample("gantry_plugin_info", labels, "1")
        }
        add(overviews, "gantry_plugin_up", .gauge, "Whether requests reach the plugin: 1 or 0.") {
            [.serving, .degraded].contains($0.standing) ? "1" : "0"
        }
        add(overviews, "gantry_plugin_workers", .gauge, "Worker processes that take steps.") {
            ($0.state?.workers).map { "\($0.filter(\.isReady).count)" }
        }
        add(overviews, "gantry_plugin_running_operations", .gauge, "Operations inside of worker processes.") {
            ($0.state?.workers).map { "\($0.reduce(0) { $0 + $1.operations })" }
        }
        add(overviews, "gantry_plugin_breaker_open", .gauge, "Whether deaths in a row keep requests off: 1 or 0.") {
            ($0.state?.breaker).map { $0.isOpen ? "1" : "0" }
        }
    }

    private mutating func addCounters(_ overviews: [PluginOverview]) {
        add(overviews, "gantry_plugin_generation", .gauge, "The version that takes requests, counted from 1.") {
            ($0.meters?.generation).map(String.init)
        }
        add(overviews, "gantry_plugin_loads_total", .counter, "Times that the plugin was loaded.") {
            ($0.meters?.loads).map(String.init)
        }
        begin("gantry_plugin_refusals_total", .counter, "Times that the plugin was not loaded, by reason.")
        for meters in overviews.compactMap(\.meters) {
            for reason in PluginRefusalReason.allCases {
                let labels = [("plugin", meters.plugin), ("reason", reason.rawValue)]
                sample("gantry_plugin_refusals_total", labels, "\(meters.refusals[reason] ?? 0)")
            }
        }
        begin("gantry_plugin_crashes_total", .counter, "Deaths of its worker processes, by cause.")
        for meters in overviews.compactMap(\.meters) {
            for cause in PluginCrashCause.allCases {
                let labels = [("plugin", meters.plugin), ("cause", cause.rawValue)]
                sample("gantry_plugin_crashes_total", labels, "\(meters.crashes[cause] ?? 0)")
            }
        }
        add(overviews, "gantry_plugin_last_crash_timestamp_seconds", .gauge, "When the last of them died.") {
            ($0.meters?.lastCrash).map { "\($0.at.secondsSince1970)" }
        }
        add(overviews, "gantry_plugin_restarts_total", .counter, "Worker processes started again after a death.") {
            ($0.meters?.restarts).map(String.init)
        }
        add(overviews, "gantry_plugin_operations_total", .counter, "Operations given to the plugin.") {
            ($0.meters?.operations).map(String.init)
        }
        add(overviews, "gantry_plugin_failures_total", .counter, "Operations that ended with plugin_failed.") {
            ($0.meters?.failures).map(String.init)
        }
    }

    /// A family with a sample for every plugin that has a value.
    private mutating func add(
        _ overviews: [PluginOverview],
        _ name: String,
        _ kind: Kind,
        _ help: String,
        value: (PluginOverview) -> String?
    ) {
        begin(name, kind, help)
        for overview in overviews {
            if let value = value(overview) { sample(name, [("plugin", overview.id)], value) }
        }
    }

    private mutating func add(_ reading: StepTimeReading, _ labels: [(String, String)]) {
        var sum: UInt64 = 0
        for (bound, count) in zip(StepTimeReading.bounds, reading.buckets) {
            sum += count
            sample("\(Self.stepTimes)_bucket", labels + [("le", "\(Double(bound) / 1e9)")], "\(sum)")
        }
        sample("\(Self.stepTimes)_bucket", labels + [("le", "+Inf")], "\(reading.count)")
        sample("\(Self.stepTimes)_sum", labels, "\(Double(reading.sumInNanoseconds) / 1e9)")
        sample("\(Self.stepTimes)_count", labels, "\(reading.count)")
    }
}
