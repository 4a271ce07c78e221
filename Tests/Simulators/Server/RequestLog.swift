import HTTPTypes
import Synchronization

/// The last requests of both providers, and how many are open.
final class RequestLog: Sendable {
    private static let limit = 1000

    private struct Entry {
        let number: Int
        let provider: Provider
        let method: String
        let path: String
        let query: String
        let account: String?
        let startedAt: Int
        var endedAt: Int?
        var status: Int?
        var bodyBytes = 0
        var isCancelled = false
    }

    private struct State {
        var nextNumber = 1
        var open = 0
        var cancelled = 0
        var entries: [Entry] = []
    }

    private let clock: SimulatedClock
    private let state = Mutex(State())

    init(clock: SimulatedClock) { self.clock = clock }

    /// Notes a request's arrival.
    ///
    /// - Returns: The number to close it with.
    func open(_ request: Incoming, account: String?) -> Int {
        let now = clock.unixMilliseconds
        let (provider, method, path) = (request.provider, request.method.rawValue, request.path)
        let query = String(request.target.dropFirst(path.count + 1))
        return state.withLock { state in
            let number = state.nextNumber
            state.nextNumber += 1
            state.open += 1
            if state.entries.count >= Self.limit { state.entries.removeFirst() }
            state.entries.append(
                Entry(
                    number: number,
                    provider: provider,
                    method: method,
                    path: path,
                    query: query,
                    account: account,
                    startedAt: now
                )
            )
            return number
        }
    }

    /// Notes how a request ended; a status of nil means that it had no answer.
    func close(_ number: Int, status: Int?, bodyBytes: Int, isCancelled: Bool) {
        let now = clock.unixMilliseconds
        state.withLock { state in
            state.open -= 1
            if isCancelled { state.cancelled += 1 }
            guard let index = state.entries.lastIndex(where: { $0.number == number }) else { return }
            state.entries[index].endedAt = now
            state.entries[index].status = status
            state.entries[index].bodyBytes = bodyBytes
            state.entries[index].isCancelled = isCancelled
        }
    }

    /// Forgets the requests that have ended.
    func reset() {
        state.withLock { state in
            state.entries.removeAll { $0.endedAt != nil }
            state.cancelled = 0
        }
    }

    /// The members `requests`, `open_requests` and `cancelled_requests` of the state.
    var json: (requests: JSON, open: JSON, cancelled: JSON) {
        state.withLock { state in
            (.array(state.entries.map(Self.json)), .integer(state.open), .integer(state.cancelled))
        }
    }

    private static func json(_ entry: Entry) -> JSON {
        [
            "provider": .string(entry.provider.rawValue), "method": .string(entry.method), "path": .string(entry.path),
            "query": .string(entry.query), "status": entry.status.map(JSON.integer) ?? .null,
            "account": entry.account.map(JSON.string) ?? .null, "at_ms": .integer(entry.startedAt),
            "ended_at_ms": entry.endedAt.map(JSON.integer) ?? .null, "body_bytes": .integer(entry.bodyBytes),
            "cancelled": .bool(entry.isCancelled),
        ]
    }
}
