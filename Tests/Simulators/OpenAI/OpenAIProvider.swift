import Foundation
import HTTPTypes
import NIOCore

/// The simulated OpenAI: keys are `sk-sim-` and the name of an account.
struct OpenAIProvider: Sendable {
    private static let keyPrefix = "sk-sim-"
    /// OpenAI takes file parts of up to 50 MB; as base64 with a conversation around them that is this.
    private static let bodyLimit = 80 * 1024 * 1024

    let files: OpenAIFiles
    private let clock: SimulatedClock

    init(directory: URL, blobs: BlobStore, clock: SimulatedClock) throws {
        self.clock = clock
        files = try OpenAIFiles(directory: directory, blobs: blobs, clock: clock)
    }

    /// The account whose key a request carries, nil if it is none.
    static func account(of request: Incoming) -> String? {
        guard let token = request.bearerToken, token.hasPrefix(keyPrefix) else { return nil }
        let name = String(token.dropFirst(keyPrefix.count))
        return AccountName.isValid(name) ? name : nil
    }

    func reply(to request: Incoming) async throws -> Reply {
        let start = ContinuousClock.now
        let account = Self.account(of: request)
        var reply: Reply
        do {
            reply = try await route(request, account: try account ?? refuse(request))
        } catch let error as OpenAIError {
            reply = error.reply
        } catch let error as ShapeError {
            reply = OpenAIError(error).reply
        } catch let error as MultipartError {
            reply = OpenAIError.invalid("Could not parse multipart form: \(error.message).").reply
        } catch let error as BodyTooLarge {
            reply = OpenAIError(status: 413, message: "The request is larger than \(error.limit) bytes.").reply
        }
        let elapsed = start.duration(to: .now).components
        decorate(&reply, account: account, milliseconds: Int(elapsed.attoseconds / 1_000_000_000_000_000))
        return reply
    }

    private func refuse(_ request: Incoming) throws -> String {
        guard let token = request.bearerToken else {
            let message =
                "You didn't provide an API key. You need to provide your API key in an Authorization header"
                + " using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
            throw OpenAIError(status: 401, message: message)
        }
        let masked = token.count > 12 ? "\(token.prefix(8))***\(token.suffix(4))" : "***"
        throw OpenAIError(
            status: 401,
            message: "Incorrect API key provided: \(masked). You can find your API key at "
                + "https://platform.openai.com/account/api-keys.",
            code: "invalid_api_key"
        )
    }

    private func route(_ request: Incoming, account: String) async throws -> Reply {
        let fileRoutes = OpenAIFileRoutes(files: files, account: account)
        let segments = request.segments
        guard segments.first == "v1" else { throw unknownURL(request) }
        switch (request.method, segments.count > 1 ? segments[1] : "", segments.count) {
        case (.post, "files", 2):
            return try await OpenAIFileUpload(files: files, account: account, clock: clock).create(request)
        case (.get, "files", 2): return try fileRoutes.list(request)
        case (.get, "files", 3): return try fileRoutes.retrieve(segments[2])
        case (.delete, "files", 3): return try fileRoutes.delete(segments[2])
        case (.get, "files", 4) where segments[3] == "content": return try fileRoutes.content(segments[2])
        case (.post, "chat", 3) where segments[2] == "completions":
            let json = try await json(of: request)
            return try ChatCompletion(files: files, account: account, clock: clock).reply(to: json)
        case (.post, "embeddings", 2): return try Embeddings.reply(to: try await json(of: request))
        case (.get, "models", 2): return .json(OpenAIModel.list)
        case (.get, "models", 3): return .json(try OpenAIModel.named(segments[2]).json)
        case (_, "files", 2), (_, "files", 3), (_, "chat", 3), (_, "embeddings", 2), (_, "models", 2...3):
            let message =
                "Not allowed to \(request.method.rawValue) on \(request.path). "
                + "(HINT: Perhaps you meant to use a different HTTP method?)"
            throw OpenAIError(status: 405, message: message, code: "method_not_supported")
        default: throw unknownURL(request)
        }
    }

    private func unknownURL(_ request: Incoming) -> OpenAIError {
        let message = "Invalid URL (\(request.method.rawValue) \(request.path))"
        return OpenAIError(status: 404, message: message, code: "unknown_url")
    }

    private func json(of request: Incoming) async throws -> JSON {
        guard request.mediaType == "application/json" else {
            let type = request.mediaType ?? ""
            throw OpenAIError.invalid(
                "Unsupported content type: '\(type)'. This API method only accepts 'application/json' requests.",
                code: "unsupported_content_type"
            )
        }
        let body = try await request.body(upTo: Self.bodyLimit)
        do {
            return try JSONParser.parse(body.readableBytesView)
        } catch {
            throw OpenAIError.invalid(
                "We could not parse the JSON body of your request: \(error.message) at byte \(error.offset)."
            )
        }
    }

    private func decorate(_ reply: inout Reply, account: String?, milliseconds: Int) {
        let fields = [
            ("x-request-id", "req_" + RandomName.hexadecimal(32)), ("openai-version", "2020-10-01"),
            ("openai-processing-ms", String(milliseconds)), ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-remaining-requests", "9999"), ("x-ratelimit-reset-requests", "6ms"),
            ("x-ratelimit-limit-tokens", "200000"), ("x-ratelimit-remaining-tokens", "199000"),
            ("x-ratelimit-reset-tokens", "300ms"),
        ]
        for (name, value) in fields { reply.headers.set(name, value) }
        if let account { reply.headers.set("openai-organization", "sim-\(account)") }
    }
}
