import Glibc
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

    /// Where `gantry-worker` lies: in the folder of this executable.
    package static var besideThisExecutable: String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let own = count > 0 ? String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
        return (own.lastIndex(of: "/").map { String(own[..<$0]) } ?? ".") + "/gantry-worker"
    }
}
