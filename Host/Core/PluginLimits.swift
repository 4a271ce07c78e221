/// What the workers of one plugin may use.
package struct PluginLimits: Sendable, Hashable {
    /// The longest that one step may compute.
    package let stepTime: Duration
    /// The address space of one worker.
    package let memoryInBytes: Int
    /// How many processes share the plugin's operations.
    package let workers: Int
    /// How many operations may run at the same time in all of them.
    package let operations: Int

    /// Makes limits; those that are left out are the manifest's defaults.
    package init(
        stepTime: Duration = .seconds(1),
        memoryInBytes: Int = 256 << 20,
        workers: Int = 2,
        operations: Int = 1024
    ) {
        self.stepTime = stepTime
        self.memoryInBytes = memoryInBytes
        self.workers = workers
        self.operations = operations
    }
}
