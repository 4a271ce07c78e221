import CGantryPlugin
import HostCore
import NIOCore

/// What a plugin is asked to do.
package enum OperationKind: UInt32, Sendable, CaseIterable {
    case probe = 0
    case credential = 1
    case chat = 2
    case embed = 3
    case responses = 4
    case fileCreate = 8
    case fileGet = 9
    case fileDelete = 10
    case fileList = 11
    case fileContent = 12
    case inputCreate = 13
    case batchCreate = 16
    case batchGet = 17
    case batchCancel = 18
    case batchList = 19
    case batchResults = 20
    case tuneCreate = 24
    case tuneGet = 25
    case tuneCancel = 26
    case tuneList = 27
    case tuneEvents = 28
    case tuneCheckpoints = 29
    case tunePause = 30
    case tuneResume = 31
    case responseGet = 32
    case responseDelete = 33
    case responseCancel = 34
    case responseItems = 35
}

/// One place in an operation's input that the host has found and resolved.
package struct OperationReference: Sendable {
    package enum Kind: UInt32, Sendable {
        case model = 1
        case file = 2
        case response = 3
    }

    package let kind: Kind
    /// The whole JSON value with its quotes, in bytes of the input.
    package let range: Range<Int>
    package let clientID: String
    package let upstreamID: String
    package let mimeType: String
    package let filename: String

    /// Makes a reference.
    package init(
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

/// One operation for one deployment.
package struct OperationRequest: Sendable {
    package let kind: OperationKind
    package let requestID: String
    /// The START event's data; see the operations table of `gantry_plugin.h`.
    package internal(set) var input: ByteBuffer
    /// In ascending order of their ranges.
    package let references: [OperationReference]
    package let isStreaming: Bool
    /// Whether an attempt at the same request has failed before.
    package var isRetry = false
    /// The client's file, for operations that send one.
    package let source: (any RandomAccessFile)?
    /// The lines that the plugin pulls, for operations that make something else of them.
    package let lines: (any SourceLines)?

    /// Makes a request.
    package init(
        _ kind: OperationKind,
        requestID: String,
        input: ByteBuffer,
        references: [OperationReference] = [],
        isStreaming: Bool = false,
        source: (any RandomAccessFile)? = nil,
        lines: (any SourceLines)? = nil
    ) {
        self.kind = kind
        self.requestID = requestID
        self.input = input
        self.references = references
        self.isStreaming = isStreaming
        self.source = source
        self.lines = lines
    }
}

/// What an operation ended with.
package struct OperationResult: Sendable {
    /// JSON, or a token's bytes.
    package let data: ByteBuffer
    /// Milliseconds until a token expires.
    package let value: UInt64
}

/// Why an operation failed; the server turns it into a status.
package struct OperationFailure: Error, Sendable, CustomStringConvertible {
    package enum Reason: Int32, Sendable {
        case invalid = 1
        case unsupported
        case notFound
        case conflict
        case tooLarge
        case contextLength
        case filtered
        case rateLimit
        case quota
        case upstreamAuthentication
        case upstreamUnavailable
        case upstreamTimeout
        case upstreamProtocol
        case cancelled
        case internalError
        /// The plugin broke a rule of the ABI; never sent by a plugin.
        case pluginFailed = 1000
        /// The journal could not be written; never sent by a plugin.
        case journalUnavailable = 1001
    }

    package let reason: Reason
    /// For the client: the provider's own text where there is one; secrets of the deployment are masked.
    package let message: String
    package let parameter: String?
    /// The provider's HTTP status, or 0.
    package let upstreamStatus: Int
    package let retryAfter: Duration?
    package let isRetryable: Bool
    package let mayFallBack: Bool

    /// Makes a failure.
    package init(
        _ reason: Reason,
        _ message: String,
        parameter: String? = nil,
        upstreamStatus: Int = 0,
        retryAfter: Duration? = nil,
        isRetryable: Bool = false,
        mayFallBack: Bool = false
    ) {
        self.reason = reason
        self.message = message
        self.parameter = parameter
        self.upstreamStatus = upstreamStatus
        self.retryAfter = retryAfter
        self.isRetryable = isRetryable
        self.mayFallBack = mayFallBack
    }

    package var description: String { "\(reason): \(message)" }

    /// Whether the provider may have done what it was asked for, although it failed.
    ///
    /// A refusal says that it did not; a lost or unreadable answer says nothing.
    package var mayHaveActed: Bool {
        switch reason {
        case .invalid, .unsupported, .notFound, .tooLarge, .contextLength, .filtered, .rateLimit, .quota,
            .upstreamAuthentication:
            false
        case .conflict, .upstreamUnavailable, .upstreamTimeout, .upstreamProtocol, .cancelled, .internalError,
            .pluginFailed, .journalUnavailable:
            true
        }
    }

    /// Whether the provider cannot be reached or takes nothing now, and may later.
    package var isOutage: Bool {
        switch reason {
        case .upstreamUnavailable, .upstreamTimeout, .rateLimit: true
        default: false
        }
    }
}

/// A provider object that an operation created or found gone, to be written down before anything else happens.
package enum JournalEntry: Sendable, Hashable {
    case remember(kind: String, id: String)
    case forget(kind: String, id: String)
}
