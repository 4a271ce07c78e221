import CGantryPlugin
import HTTPTypes
import HostPluginABI
import HostUpstream
import NIOCore

/// A command of a plugin, copied out of the memory it was lent in.
enum PluginCommand {
    case http(HTTPCommand)
    case abort(request: UInt32)
    case pull
    case wait(milliseconds: UInt64)
    case token(scope: String, refresh: Bool)
    case output(payload: ByteBuffer, event: String)
    case pipe(request: UInt32, headers: [CommandHeader])
    case journal(JournalEntry)
    case usage(ByteBuffer)
    case result(OperationResult)
    /// Indirect, for it would make every command three times as large.
    indirect case error(OperationFailure)

    /// Whether this says that something exists at the provider, or exists no longer.
    var isJournal: Bool { if case .journal = self { true } else { false } }

    /// Whether this is carried out although the client has gone.
    var survivesCancellation: Bool {
        switch self {
        case .journal, .result, .error: true
        case .http, .abort, .pull, .wait, .token, .output, .pipe, .usage: false
        }
    }
}

/// A header as a plugin gives it: the named secret is appended to the value when it is sent.
struct CommandHeader {
    let name: String
    let value: String
    let secret: String

    /// Whether this may stand in a response; requests are checked where they are built.
    var isWellFormed: Bool { HTTPField.Name(name) != nil && HTTPField.isValidValue(value) }
}

/// How the body of a response is cut into events.
enum ResponseFraming: Int32 {
    case whole = 0
    case raw
    case lines
    case serverSentEvents
}

/// Method, URL and headers of a request as a plugin gives them.
final class CommandHead: Sendable {
    let method: String
    let url: String
    let headers: [CommandHeader]
    /// What the plugin lent; nil if it is too long to be kept.
    let texts: LentHeadTexts?

    init(method: String, url: String, headers: [CommandHeader], texts: LentHeadTexts?) {
        self.method = method
        self.url = url
        self.headers = headers
        self.texts = texts
    }
}

/// A request that a plugin wants sent.
struct HTTPCommand {
    enum Head {
        /// The same, byte for byte, has been allowed before.
        case known(UpstreamRequestHead)
        case new(CommandHead)
    }

    enum Piece {
        case bytes(ByteBuffer)
        case source(offset: UInt64, length: UInt64)
        case input(offset: UInt64, length: UInt64)
        case secret(name: String, isFormEncoded: Bool)
    }

    let request: UInt32
    let head: Head
    let body: [Piece]
    let framing: ResponseFraming
    let timeoutInMilliseconds: UInt64
    let isIdempotent: Bool
    let allowsRetry: Bool
}

extension String {
    /// As much of the text as fits, without a part of a scalar at its end.
    func truncated(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: limit)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}

extension ByteBuffer {
    /// Copies bytes that were lent.
    init(lent slice: gantry_slice) {
        self.init(bytes: UnsafeRawBufferPointer(lent: slice))
    }
}
