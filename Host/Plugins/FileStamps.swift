import Glibc

/// Which versions of some files were there at a moment, as far as their inodes tell.
struct FileStamps: Sendable {
    private struct Stamp: Sendable, Equatable {
        let device: UInt
        let inode: UInt
        let size: Int
        let changed: [Int]
    }

    /// What is changed twice within the granularity of the file system's clock looks the same both times.
    private static let settlingSeconds = 2

    private let stamps: [Stamp?]
    private let areSettled: Bool

    /// Looks at files; to be done before they are read.
    init(_ paths: [String]) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        stamps = paths.map { path in
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            return Stamp(
                device: UInt(status.st_dev),
                inode: UInt(status.st_ino),
                size: Int(status.st_size),
                changed: [
                    status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
                ]
            )
        }
        // The time of a change of the inode cannot be set by whoever changes the file.
        areSettled = stamps.allSatisfy { stamp in
            stamp.map { $0.changed[2] + Self.settlingSeconds < now.tv_sec } ?? false
        }
    }

    /// Whether the files are certainly the ones that were seen before.
    func areThose(of earlier: FileStamps) -> Bool { earlier.areSettled && earlier.stamps == stamps }
}
