import HostCore

extension PluginManifestReader {
    /// Reads `limits:`; what is left out has its default.
    ///
    /// - Throws: ``ConfigurationError``, also for limits of a plugin that runs inside of the host: nothing would keep them.
    func limits(
        _ value: SourceValue?,
        isolation: PluginManifest.Isolation
    ) throws(ConfigurationError) -> PluginLimits {
        let standard = PluginLimits()
        guard let value else { return standard }
        guard isolation == .process else {
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "only a plugin with isolation: process has limits. Remove them, or isolation: in_process."
            )
        }
        let map = try reader.mapping(value)
        try map.refuseKeys(except: ["step_ms", "memory_mb", "workers", "operations"])
        func number(_ key: String, _ range: ClosedRange<Int64>) throws(ConfigurationError) -> Int? {
            guard let value = map[key] else { return nil }
            return Int(try reader.integer(value, in: range))
        }
        return PluginLimits(
            stepTime: try number("step_ms", 10...600_000).map { .milliseconds($0) } ?? standard.stepTime,
            memoryInBytes: try number("memory_mb", 32...1_048_576).map { $0 << 20 } ?? standard.memoryInBytes,
            workers: try number("workers", 1...64) ?? standard.workers,
            operations: try number("operations", 1...65_536) ?? standard.operations
        )
    }
}
