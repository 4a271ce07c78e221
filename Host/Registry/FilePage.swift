import HostCore

/// One page of a list.
package struct FilePage: Sendable {
    /// Without their copies, which a list does not show.
    package let files: [ManagedFile]
    /// Whether there are files behind the last one of this page.
    package let hasMore: Bool
}
