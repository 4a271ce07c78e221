/// One place in an operation's input, or in a line of its source, that the host has already found and resolved.
public struct Reference: Hashable, Sendable {
    /// What stands at the place.
    public enum Kind: UInt32, Sendable {
        /// The model's name.
        case model = 1
        /// A file's id.
        case file = 2
        /// The id of an earlier response.
        case response = 3
    }

    /// What stands there.
    public var kind: Kind
    /// The bytes of the whole JSON value, with its quotes; within the input or the line.
    public var range: Range<Int>
    /// What the client wrote.
    public var clientID: String
    /// The model's name at the provider, or the provider's id of this target's copy of the file or of the response.
    public var upstreamID: String
    /// The file's media type, or empty.
    public var mimeType: String
    /// The file's name, or empty.
    public var filename: String

    /// Makes a reference.
    public init(
        kind: Kind,
        range: Range<Int>,
        clientID: String,
        upstreamID: String,
        mimeType: String = "",
        filename: String = ""
    ) {
        self.kind = kind
        self.range = range
        self.clientID = clientID
        self.upstreamID = upstreamID
        self.mimeType = mimeType
        self.filename = filename
    }
}
