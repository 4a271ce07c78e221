/// A folder of which some names matter.
package struct WatchedFolder: Hashable, Sendable {
    package let path: String
    /// The names that matter; nil for all.
    package let names: Set<String>?

    /// Makes a folder.
    package init(path: String, names: Set<String>?) {
        self.path = path
        self.names = names
    }

    /// Folders of the same path as one.
    package static func merged(_ folders: [WatchedFolder]) -> [WatchedFolder] {
        var merged: [WatchedFolder] = []
        var places: [String: Int] = [:]
        for folder in folders {
            if let place = places[folder.path] {
                merged[place] = merged[place].joined(with: folder.names)
            } else {
                places[folder.path] = merged.count
                merged.append(folder)
            }
        }
        return merged
    }

    /// The same folder with more names that matter.
    func joined(with others: Set<String>?) -> WatchedFolder {
        WatchedFolder(path: path, names: names.flatMap { own in others.map { own.union($0) } })
    }

    /// Whether a change of what has this name matters.
    ///
    /// Names that begin with two dots matter always: by renaming such a link Kubernetes changes all files of a folder.
    func matters(_ name: String) -> Bool { names.map { $0.contains(name) || name.hasPrefix("..") } ?? true }
}
