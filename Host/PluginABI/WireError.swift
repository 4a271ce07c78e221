/// Bytes that are no message: the other side is broken or no longer what it was.
package struct WireError: Error, CustomStringConvertible {
    /// What is wrong with them, in a few words and without any of the bytes.
    package let description: String

    package init(_ description: String) { self.description = description }
}
