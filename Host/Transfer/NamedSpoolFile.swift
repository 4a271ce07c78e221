import NIOPosix

/// A file of the spool that has a name, which goes with the last reference unless it was moved before.
final class NamedSpoolFile: Sendable {
    let name: String
    let descriptor: SpoolDescriptor
    private let folder: SpoolFolder
    private let pool: NIOThreadPool

    init(_ name: String, _ descriptor: SpoolDescriptor, in folder: SpoolFolder, pool: NIOThreadPool) {
        self.name = name
        self.descriptor = descriptor
        self.folder = folder
        self.pool = pool
    }

    // What stays because the disk fails is removed after the end of the process, by whoever comes next.
    deinit { pool.submit { [folder, name] _ in folder.removeIfPossible(name) } }
}
