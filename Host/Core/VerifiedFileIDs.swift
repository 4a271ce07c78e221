import Synchronization

/// Spellings of file ids that were found genuine: what a text stands for never changes, and to find it out costs more
/// than all else that is done with it.
///
/// Nothing made up gets in, so that strangers cannot push out what is used.
final class VerifiedFileIDs: Sendable {
    private static let halfCapacity = 8192

    /// Two halves: when the young one is full it becomes the old one, and the old one is dropped.
    private struct Halves {
        var young: [String: FileID] = [:]
        var old: [String: FileID] = [:]
    }

    private let halves = Mutex(Halves())

    func id(for text: String) -> FileID? {
        halves.withLock { $0.young[text] ?? $0.old[text] }
    }

    func insert(_ id: FileID, for text: String) {
        let dropped = halves.withLock { halves in
            var dropped: [String: FileID] = [:]
            if halves.young.count >= Self.halfCapacity {
                swap(&dropped, &halves.old)
                swap(&halves.old, &halves.young)
            }
            halves.young[text] = id
            return dropped
        }
        withExtendedLifetime(dropped) {}
    }
}
