/// One line of an operation's source, which is the client's JSONL.
public struct SourceLine: Hashable, Sendable {
    /// The line without its end.
    public var bytes: [UInt8]
    /// The places in the line that the host has resolved, in ascending order.
    public var references: [Reference]

    /// Makes a line.
    public init(bytes: [UInt8], references: [Reference] = []) {
        self.bytes = bytes
        self.references = references
    }
}
