import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// A body is larger than its route takes.
struct BodyTooLarge: Error {
    let limit: Int
}

/// One request as the simulators see it; belongs to the task that answers it.
final class Incoming {
    let provider: Provider
    let method: HTTPRequest.Method
    /// The path as sent, without its query.
    let path: String
    /// The path and the query as sent.
    let target: String
    /// The path's segments, percent-decoded one by one.
    let segments: [String]
    let query: [(name: String, value: String)]
    let headers: HTTPFields
    let client: ClientConnection
    private(set) var bodyBytes = 0
    /// Cut the connection after this many bytes of the body.
    var cutsBodyAfterBytes: Int?

    private let authority: String?
    private var iterator: RequestBody.AsyncIterator
    private var isAtEnd = false

    init(_ request: Request, provider: Provider, client: ClientConnection) {
        self.provider = provider
        self.client = client
        method = request.method
        headers = request.headers
        authority = request.head.authority
        target = request.head.path ?? "/"
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts.first ?? "/")
        segments = path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
        query = parts.count > 1 ? Self.fields(of: parts[1]) : []
        iterator = request.body.makeAsyncIterator()
    }

    /// `http://` and the host the client dialled.
    var origin: String { "http://\(authority ?? "127.0.0.1")" }

    /// The first value of a query field.
    func query(_ name: String) -> String? { query.first { $0.name == name }?.value }

    func header(_ name: String) -> String? {
        guard let name = HTTPField.Name(name) else { return nil }
        return headers[name]
    }

    /// The value of `Authorization: Bearer …`.
    var bearerToken: String? {
        guard let value = headers[.authorization], value.lowercased().hasPrefix("bearer ") else { return nil }
        return String(value.dropFirst(7))
    }

    /// The media type of the body in lower case, without parameters.
    var mediaType: String? {
        headers[.contentType]?.split(separator: ";").first.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
    }

    /// The next piece of the body, nil at its end.
    func nextPiece() async throws -> ByteBuffer? {
        guard !isAtEnd else { return nil }
        guard let piece = try await iterator.next() else {
            isAtEnd = true
            // An HTTP/1.1 body with a length that ends early is a client that left.
            if let length = headers[.contentLength].flatMap(Int.init), length != bodyBytes { throw ClientGone() }
            return nil
        }
        bodyBytes += piece.readableBytes
        if let limit = cutsBodyAfterBytes, bodyBytes >= limit { throw ConnectionCut() }
        return piece
    }

    /// The whole body, if it has at most `limit` bytes.
    func body(upTo limit: Int) async throws -> ByteBuffer {
        var body = ByteBuffer()
        while var piece = try await nextPiece() {
            guard body.readableBytes + piece.readableBytes <= limit else { throw BodyTooLarge(limit: limit) }
            body.writeBuffer(&piece)
        }
        return body
    }

    /// Reads the body's rest and forgets it.
    func drain() async throws {
        while try await nextPiece() != nil {}
    }

    /// Reads the body up to this many bytes, or to its end.
    func drain(atLeast count: Int) async throws {
        while bodyBytes < count, try await nextPiece() != nil {}
    }

    /// Decodes `a=b&c=d`, the form of queries and of URL-encoded bodies.
    static func fields(of text: some StringProtocol) -> [(name: String, value: String)] {
        text.split(separator: "&").map { field in
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { part in
                let spaced = part.replacingOccurrences(of: "+", with: " ")
                return spaced.removingPercentEncoding ?? spaced
            }
            return (parts.first ?? "", parts.count > 1 ? parts[1] : "")
        }
    }
}
