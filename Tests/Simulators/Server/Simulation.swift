import Foundation
import HTTPTypes
import NIOCore

/// Everything the two ports share.
struct Simulation: Sendable {
    let clock: SimulatedClock
    let connections = ConnectionTable()
    let faults = FaultBoard()
    let held = HeldRequests()
    let log: RequestLog
    let openAI: OpenAIProvider
    let google: GoogleProvider

    /// Takes up the state that stands in `directory`, which must exist.
    init(directory: URL) throws {
        clock = SimulatedClock()
        log = RequestLog(clock: clock)
        let blobs = try BlobStore(directory: directory.appending(path: "blobs"))
        openAI = try OpenAIProvider(directory: directory.appending(path: "openai"), blobs: blobs, clock: clock)
        google = try GoogleProvider(directory: directory.appending(path: "google"), blobs: blobs, clock: clock)
    }

    /// The account that a request claims, before anything is verified.
    func account(of request: Incoming) -> String? {
        switch request.provider {
        case .openAI: OpenAIProvider.account(of: request)
        case .google: google.account(of: request)
        }
    }

    /// The answer that a fault puts in the place of the provider's own.
    func failure(of provider: Provider, status: Int, fault: Fault) -> Reply {
        var reply =
            switch provider {
            case .openAI: OpenAIError.standard(status: status).reply
            case .google: GoogleError.standard(status: status).reply
            }
        switch fault.body {
        case .string(let text):
            reply = Reply(status: status, headers: [.contentType: "text/plain"], body: .bytes(ByteBuffer(string: text)))
        case let body?: reply = .json(body, status: status)
        case nil: break
        }
        for field in fault.headers { reply.headers[field.name] = field.value }
        return reply
    }

    /// The whole state as `GET /_sim/state` shows it.
    var state: JSON {
        let requests = log.json
        return [
            "openai": openAI.state,
            "google": [
                "objects": google.storage.objects.json, "sessions": google.storage.sessions.json,
                "tokens_issued": google.tokens.state,
            ],
            "requests": requests.requests, "open_requests": requests.open, "cancelled_requests": requests.cancelled,
            "held_requests": .integer(held.count),
        ]
    }

    /// Forgets files, objects, batches, jobs, responses, sessions, faults, requests and counts, and holds nothing; keys and
    /// tokens stay good.
    func reset() throws {
        faults.removeAll()
        held.release()
        log.reset()
        clock.reset()
        try openAI.reset()
        try google.storage.reset()
        google.tokens.resetCounts()
    }
}
