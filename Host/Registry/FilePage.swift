import HostCore

/// One page of a list.
package struct FilePage: Sendable {
    package let files: [ManagedFile]
    /// Whether there are files behind the last one of this page.
    package let hasMore: Bool
}
