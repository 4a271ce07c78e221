import FoundationEssentials
import HostWatch

/// Which files the gateway watches: those that it was made of.
struct WatchPlan {
    let folders: [WatchedFolder]

    /// Names the places of the configuration file, of the manifests and of their libraries.
    ///
    /// - Parameters:
    ///   - options: Where the configuration and the manifests are.
    ///   - libraries: Where libraries were looked for.
    init(_ options: ConfigurationOptions, libraries: [String]) {
        var folders = [WatchedFolder(path: options.plugins, names: nil)]
        for path in [options.config, options.plugins] + libraries { folders += Self.places(of: path) }
        self.folders = WatchedFolder.merged(folders)
    }

    /// Where a file's name stands, and where the file itself does if the name is a link.
    private static func places(of path: String) -> [WatchedFolder] {
        let absolute = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        let real = URL(filePath: absolute).resolvingSymlinksInPath().path
        return [absolute, real].compactMap { path in
            let parts = path.split(separator: "/")
            guard let name = parts.last else { return nil }
            return WatchedFolder(path: "/" + parts.dropLast().joined(separator: "/"), names: [String(name)])
        }
    }
}
