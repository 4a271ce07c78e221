/// What the host can ask of a target; the raw values are those of `GANTRY_OP_*`.
public enum OperationKind: UInt32, Sendable, CaseIterable {
    /// A cheap check that the target works. Ends in ``OperationResult/done``.
    case probe = 0
    /// Makes an access token for `scope`. Ends in ``OperationResult/token(_:expiresInMilliseconds:)``.
    case credential = 1
    /// An OpenAI chat request.
    case chat = 2
    /// An OpenAI embeddings request.
    case embed = 3
    /// An OpenAI Responses request.
    case responses = 4
    /// Uploads the operation's source.
    case fileCreate = 8
    /// Reads what the provider knows about a file.
    case fileGet = 9
    /// Deletes a file.
    case fileDelete = 10
    /// Lists files.
    case fileList = 11
    /// Downloads a file.
    case fileContent = 12
}
