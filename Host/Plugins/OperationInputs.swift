import FoundationEssentials
import NIOCore
import NIOFoundationEssentialsCompat

/// The START data of the operations that the host itself begins; see the operations table of `gantry_plugin.h`.
package protocol OperationInput: Encodable, Sendable {}

extension OperationInput {
    /// The input as JSON; nil only if it holds something that JSON cannot.
    package var json: ByteBuffer? {
        do {
            return try JSONEncoder().encodeAsByteBuffer(self, allocator: ByteBufferAllocator())
        } catch {
            return nil
        }
    }
}

/// CREDENTIAL.
struct ScopeInput: OperationInput {
    let scope: String
}

/// FILE_CREATE.
package struct FileCreateInput: OperationInput {
    private enum CodingKeys: String, CodingKey {
        case filename
        case mimeType = "mime_type"
        case purpose
        case bytes
        case sha256
        case name
        case expiresIn = "expires_in"
    }

    package let filename: String
    package let mimeType: String
    package let purpose: String
    package let bytes: Int64
    /// Nil if the file still comes in while it is sent.
    package let sha256: String?
    /// A name that no other object has; the adapter may build the provider's name on it.
    package let name: String
    /// Seconds after which the provider may drop the file.
    package let expiresIn: Int64?

    /// Makes the input.
    package init(
        filename: String,
        mimeType: String,
        purpose: String,
        bytes: Int64,
        sha256: String?,
        name: String,
        expiresIn: Int64?
    ) {
        self.filename = filename
        self.mimeType = mimeType
        self.purpose = purpose
        self.bytes = bytes
        self.sha256 = sha256
        self.name = name
        self.expiresIn = expiresIn
    }
}

/// FILE_LIST, for the files that a FILE_CREATE may have left.
package struct FileSearchInput: OperationInput {
    /// What FILE_CREATE was asked for.
    package let like: FileCreateInput
    /// Unix seconds, between which the file was created.
    package let since: Int64
    package let until: Int64
    /// Where the page before ended.
    package let after: String?

    /// Makes the input.
    package init(like: FileCreateInput, since: Int64, until: Int64, after: String?) {
        self.like = like
        self.since = since
        self.until = until
        self.after = after
    }
}

/// What FILE_LIST, BATCH_LIST and TUNE_LIST answer.
package struct FileListResult: Decodable, Sendable {
    /// One file, or one object.
    package struct Entry: Decodable, Sendable {
        package let id: String
        /// A file's length; nil if it is not told.
        package let bytes: Int64?
    }

    package let data: [Entry]
    /// Where the next page begins; nil on the last one.
    package let next: String?

    /// Reads an operation's result.
    ///
    /// - Throws: ``OperationFailure`` if the plugin's result is not what the ABI asks for.
    package init(_ result: OperationResult) throws(OperationFailure) {
        self = try result.decoded(FileListResult.self)
    }
}

/// FILE_GET, FILE_DELETE and RESPONSE_DELETE, and FILE_CONTENT with a range.
package struct FileInput: OperationInput {
    package let id: String
    /// The client's Range header.
    package let range: String?

    /// Makes the input.
    package init(id: String, range: String? = nil) {
        self.id = id
        self.range = range
    }
}

/// RESPONSE_GET and RESPONSE_ITEMS, and RESPONSE_CANCEL without a query.
package struct ResponseInput: OperationInput {
    package let id: String
    /// The client's, without its question mark.
    package let query: String?

    /// Makes the input.
    package init(id: String, query: String?) {
        self.id = id
        self.query = query
    }
}

/// What FILE_CREATE and FILE_GET answer.
package struct FileResult: Decodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case id
        case bytes
        case status
        case expiresAt = "expires_at"
    }

    package let id: String
    package let bytes: Int64?
    package let status: String?
    /// Unix seconds.
    package let expiresAt: Int64?

    /// Reads an operation's result.
    ///
    /// - Throws: ``OperationFailure`` if the plugin's result is not what the ABI asks for.
    package init(_ result: OperationResult) throws(OperationFailure) {
        self = try result.decoded(FileResult.self)
    }
}
