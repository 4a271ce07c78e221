import NIOCore
import Synchronization

/// The access tokens of one deployment by scope: one request at a time for each, whatever the number of waiters.
final class CredentialCache: Sendable {
    enum Answer {
        case token(String)
        /// Somebody else is getting it.
        case wait
        /// The caller has to get it and then call ``finish(_:scope:)``, which answers its own waiter too.
        case fetch
    }

    private struct Entry {
        var token: String?
        var expiresAt: ContinuousClock.Instant = .now
        var isFetching = false
        var waiters: [EventLoopPromise<String>] = []
    }

    /// A plugin that invents scopes cannot fill the memory.
    private static let maximumScopes = 64

    private let entries = Mutex<[String: Entry]>([:])

    /// How many scopes are remembered.
    var count: Int { entries.withLock { $0.count } }

    /// Asks for a token.
    ///
    /// - Parameters:
    ///   - scope: What the token is for.
    ///   - stale: A token that the provider has just refused; it is dropped if it is still the present one.
    ///   - waiter: Kept unless a token is at hand.
    /// - Returns: The token, or who gets it.
    func token(scope: String, stale: String?, waiter: EventLoopPromise<String>) -> Answer {
        entries.withLock { entries in
            if entries.count >= Self.maximumScopes, entries[scope] == nil {
                entries = entries.filter { $0.value.isFetching }
            }
            var entry = entries[scope] ?? Entry()
            defer { entries[scope] = entry }
            if let stale, entry.token == stale { entry.token = nil }
            if let token = entry.token, entry.expiresAt > .now { return .token(token) }
            entry.waiters.append(waiter)
            guard !entry.isFetching else { return .wait }
            entry.isFetching = true
            return .fetch
        }
    }

    /// Hands the outcome to everybody who waits and keeps a token until it expires.
    func finish(_ outcome: Result<(token: String, lifetime: Duration), OperationFailure>, scope: String) {
        let waiters = entries.withLock { entries in
            var entry = entries[scope] ?? Entry()
            defer { entries[scope] = entry }
            entry.isFetching = false
            if case .success(let fetched) = outcome {
                entry.token = fetched.token
                entry.expiresAt = .now.advanced(by: fetched.lifetime)
            }
            defer { entry.waiters = [] }
            return entry.waiters
        }
        for waiter in waiters {
            switch outcome {
            case .success(let fetched): waiter.succeed(fetched.token)
            case .failure(let failure): waiter.fail(failure)
            }
        }
    }
}
