import Foundation
import Synchronization

/// The simulated Google: tokens, Cloud Storage and Vertex AI on one port.
final class GoogleProvider: Sendable {
    let accounts: GoogleAccounts
    let tokens: AccessTokens
    let storage: CloudStorage
    let jobs: VertexJobs
    let clock: SimulatedClock
    private let address = Mutex("")

    init(directory: URL, blobs: BlobStore, clock: SimulatedClock) throws {
        self.clock = clock
        accounts = try GoogleAccounts(directory: directory)
        tokens = try AccessTokens(directory: directory, clock: clock)
        storage = try CloudStorage(directory: directory, blobs: blobs, clock: clock)
        jobs = try VertexJobs(directory: directory)
    }

    /// Where this port is reached: `http://HOST:PORT`.
    var origin: String {
        get { address.withLock { $0 } }
        set { address.withLock { $0 = newValue } }
    }

    /// The account whose token or upload session a request names, nil if it is none.
    func account(of request: Incoming) -> String? {
        if let token = request.bearerToken { return tokens.grant(of: token)?.account }
        return request.query("upload_id").flatMap(storage.sessions.session)?.record.account
    }

    func reply(to request: Incoming) async throws -> Reply {
        let form: GoogleError.Form = request.path.contains("/storage/") ? .storage : .rpc
        do {
            return try await route(request)
        } catch let error as GoogleError {
            return error.reply
        } catch let error as ShapeError {
            return GoogleError.shape(error, form: form).reply
        } catch let error as JSONParserError {
            let message = "Invalid JSON payload received. \(error.message) at byte \(error.offset)."
            return form == .rpc
                ? GoogleError.invalid(message).reply : GoogleError.storage(400, "parseError", message).reply
        } catch let error as MultipartError {
            return GoogleError.storage(400, "badRequest", "Failed to parse the multipart body: \(error.message).").reply
        } catch let error as BodyTooLarge {
            return GoogleError.rpc(
                413,
                "INVALID_ARGUMENT",
                "Request payload size exceeds the limit: \(error.limit) bytes."
            ).reply
        }
    }

    private func route(_ request: Incoming) async throws -> Reply {
        let segments = request.segments
        switch segments.first {
        case nil, "computeMetadata": return try MetadataServer(accounts: accounts, tokens: tokens).reply(to: request)
        case "token":
            return try await TokenEndpoint(accounts: accounts, tokens: tokens, clock: clock).reply(to: request)
        case "storage", "upload", "download", "resumable": return try await storageReply(to: request)
        case "v1", "v1beta1":
            let grant = try grant(of: request, form: .rpc)
            guard grant.allowsPrediction else {
                throw GoogleError.rpc(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.")
            }
            let routes = VertexRoutes(storage: storage, jobs: jobs, grant: grant, clock: clock)
            return try await routes.reply(to: request)
        default:
            throw GoogleError.rpc(404, "NOT_FOUND", "The requested URL \(request.path) was not found on this server.")
        }
    }

    private func storageReply(to request: Incoming) async throws -> Reply {
        // A session's URI is its own credential; a token that is sent all the same must be good.
        if let id = request.query("upload_id"), request.bearerToken == nil {
            return try await ResumableUpload(storage: storage, clock: clock).reply(to: request, session: id)
        }
        let grant = try grant(of: request, form: .storage)
        guard grant.allowsStorage else {
            throw GoogleError.storage(403, "insufficientPermissions", "Insufficient Permission")
        }
        if let id = request.query("upload_id") {
            return try await ResumableUpload(storage: storage, clock: clock).reply(to: request, session: id)
        }
        return try await StorageRoutes(storage: storage, grant: grant, clock: clock).reply(to: request)
    }

    private func grant(of request: Incoming, form: GoogleError.Form) throws -> AccessGrant {
        guard let token = request.bearerToken, let grant = tokens.grant(of: token) else {
            throw GoogleError.unauthenticated(form: form)
        }
        return grant
    }
}
