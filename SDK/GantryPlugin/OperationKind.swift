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
    /// Makes the provider's own form of a JSONL file, whose lines ``Operation/nextLine()`` gives.
    case inputCreate = 13
    /// Creates a batch.
    case batchCreate = 16
    /// Reads what the provider knows about a batch.
    case batchGet = 17
    /// Cancels a batch.
    case batchCancel = 18
    /// Finds batches that a creation may have left.
    case batchList = 19
    /// Makes output and error files of a batch that is over.
    case batchResults = 20
    /// Creates a fine-tuning job.
    case tuneCreate = 24
    /// Reads what the provider knows about a fine-tuning job.
    case tuneGet = 25
    /// Cancels a fine-tuning job.
    case tuneCancel = 26
    /// Finds fine-tuning jobs that a creation may have left.
    case tuneList = 27
    /// Lists the events of a fine-tuning job.
    case tuneEvents = 28
    /// Lists the checkpoints of a fine-tuning job.
    case tuneCheckpoints = 29
    /// Pauses a fine-tuning job.
    case tunePause = 30
    /// Resumes a fine-tuning job.
    case tuneResume = 31
    /// Reads a response that the provider keeps.
    case responseGet = 32
    /// Deletes a response.
    case responseDelete = 33
    /// Cancels a response that is made in the background.
    case responseCancel = 34
    /// Lists the input items of a response.
    case responseItems = 35
}
