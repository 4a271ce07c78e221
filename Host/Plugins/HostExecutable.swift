import FoundationEssentials

/// Where this program was started from.
package enum HostExecutable {
    /// Where `gantry-worker` lies.
    package static var worker: String { beside("gantry-worker") }

    /// A file that is installed beside this program.
    package static func beside(_ name: String) -> String {
        guard let path, let end = path.lastIndex(of: "/") else { return name }
        return "\(path[..<end])/\(name)"
    }

    private static var path: String? {
        do {
            return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        } catch {
            return CommandLine.arguments.first
        }
    }
}
