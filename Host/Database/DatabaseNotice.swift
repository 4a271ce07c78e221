/// What a process hears of the others on the same database.
package enum DatabaseNotice: Hashable, Sendable {
    /// Something another process published in a transaction that has been committed.
    case published(String)
    /// The connection that listens has been made, was lost, or is back: anything may have been published meanwhile.
    case interrupted
}
