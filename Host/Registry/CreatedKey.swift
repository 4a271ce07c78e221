/// A key that was just made.
package struct CreatedKey: Sendable {
    /// The key itself: it can be shown this once.
    package let text: String
    package let record: KeyRecord
}
