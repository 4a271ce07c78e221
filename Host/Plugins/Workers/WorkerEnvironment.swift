import NIOCore

/// What all plugins' workers have in common.
package struct WorkerEnvironment: Sendable {
    let executable: String
    let group: any EventLoopGroup

    /// Each of them has a socket to every worker.
    var loops: [any EventLoop] { Array(group.makeIterator()) }

    /// Makes the environment.
    ///
    /// - Parameters:
    ///   - executable: The path of `gantry-worker`.
    ///   - group: The event loops on which operations run.
    package init(executable: String, group: any EventLoopGroup) {
        self.executable = executable
        self.group = group
    }
}
