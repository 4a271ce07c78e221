import HostCore

/// What went with users, teams or keys that were deleted.
package struct Deletion<ID: Hashable & Sendable>: Hashable, Sendable {
    /// What was deleted, in the order in which it was named.
    package let ids: [ID]
    /// How many keys went along.
    package let keyCount: Int
    /// How many files are now being deleted.
    package let fileCount: Int
}
