import Foundation
import HTTPTypes

/// The simulated OpenAI: keys are `sk-sim-` and the name of an account.
struct OpenAIProvider: Sendable {
    private static let keyPrefix = "sk-sim-"

    let files: OpenAIFiles
    let batches: OpenAIBatches
    let jobs: OpenAIJobs
    let responses: OpenAIResponses
    let holds = OpenAIHolds()
    private let clock: SimulatedClock

    init(directory: URL, blobs: BlobStore, clock: SimulatedClock) throws {
        self.clock = clock
        files = try OpenAIFiles(directory: directory, blobs: blobs, clock: clock)
        batches = OpenAIBatches(
            records: try OpenAIRecords(directory: directory.appending(path: "batches")),
            clock: clock,
            holds: holds
        )
        jobs = OpenAIJobs(
            records: try OpenAIRecords(directory: directory.appending(path: "jobs")),
            clock: clock,
            holds: holds
        )
        responses = OpenAIResponses(
            records: try OpenAIRecords(directory: directory.appending(path: "responses")),
            clock: clock,
            holds: holds
        )
    }

    /// What an account has, and what it can ask a model.
    func account(_ name: String) -> OpenAIAccount {
        OpenAIAccount(name: name, files: files, jobs: jobs.records, responses: responses, clock: clock)
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
        } catch {
            guard let error = OpenAIError(refusal: error) else { throw error }
            reply = error.reply
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

    private func route(_ request: Incoming, account name: String) async throws -> Reply {
        guard request.segments.first == "v1" else { throw unknownURL(request) }
        let account = account(name)
        let reply: Reply? =
            switch request.segments.dropFirst().first {
            case "files": try await fileReply(to: request, account: name)
            case "batches": try await BatchRoutes(batches: batches, account: account).reply(to: request)
            case "fine_tuning": try await FineTuningRoutes(jobs: jobs, account: account).reply(to: request)
            case "responses": try await ResponseRoutes(account: account).reply(to: request)
            default: try await modelReply(to: request, account: account)
            }
        if let reply { return reply }
        guard Self.isKnown(request.segments) else { throw unknownURL(request) }
        let message =
            "Not allowed to \(request.method.rawValue) on \(request.path). "
            + "(HINT: Perhaps you meant to use a different HTTP method?)"
        throw OpenAIError(status: 405, message: message, code: "method_not_supported")
    }

    private func fileReply(to request: Incoming, account: String) async throws -> Reply? {
        let routes = OpenAIFileRoutes(files: files, account: account)
        let segments = request.segments
        switch (request.method, segments.count) {
        case (.post, 2):
            return try await OpenAIFileUpload(files: files, account: account, clock: clock).create(request)
        case (.get, 2): return try routes.list(request)
        case (.get, 3): return try routes.retrieve(segments[2])
        case (.delete, 3): return try routes.delete(segments[2])
        case (.get, 4) where segments[3] == "content": return try routes.content(segments[2])
        default: return nil
        }
    }

    private func modelReply(to request: Incoming, account: OpenAIAccount) async throws -> Reply? {
        let segments = request.segments
        switch (request.method, segments.dropFirst().first ?? "", segments.count) {
        case (.post, "chat", 3) where segments[2] == "completions", (.post, "embeddings", 2):
            return try account.reply(to: request.path, try await request.json())
        case (.get, "models", 2): return .json(account.models)
        case (.get, "models", 3): return .json(try account.model(segments[2]).json)
        default: return nil
        }
    }

    /// Whether there is something at a path, if only for another method.
    private static func isKnown(_ segments: [String]) -> Bool {
        switch (segments.dropFirst().first, segments.count) {
        case ("files", 2...3), ("chat", 3), ("embeddings", 2), ("models", 2...3), ("batches", 2...3),
            ("responses", 2...3), ("fine_tuning", 3...4):
            true
        default: false
        }
    }

    private func unknownURL(_ request: Incoming) -> OpenAIError {
        let message = "Invalid URL (\(request.method.rawValue) \(request.path))"
        return OpenAIError(status: 404, message: message, code: "unknown_url")
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
