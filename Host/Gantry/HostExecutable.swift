import FoundationEssentials

/// Where this program was started from.
enum HostExecutable {
    /// A file that is installed beside this program, such as `gantry-worker`.
    static func beside(_ name: String) -> String {
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
