import HTTPTypes
import NIOCore

/// What tests ask the simulators themselves: `/_sim/…` on both ports.
struct ControlRoutes {
    private static let bodyLimit = 1024 * 1024
    private static let longestAdvance = 10 * 366 * 24 * 3600

    let simulation: Simulation

    func reply(to request: Incoming) async -> Reply {
        do {
            return try await route(request)
        } catch let error as ShapeError {
            return .json(["error": .string("\(error.reason) at \(error.path)")], status: 400)
        } catch let error as OpenAIError {
            return .json(["error": .string(error.message)], status: error.status)
        } catch {
            return .json(["error": .string("\(error)")], status: 400)
        }
    }

    private func route(_ request: Incoming) async throws -> Reply {
        switch (request.method, request.path) {
        case (.get, "/_sim/state"): return .json(simulation.state)
        case (.post, "/_sim/reset"):
            try simulation.reset()
            return .json([:])
        case (.post, "/_sim/faults"):
            let id = simulation.faults.add(try Fault(try await json(of: request)))
            return .json(["id": .string(id)])
        case (.delete, "/_sim/faults"):
            simulation.faults.removeAll()
            return .json([:])
        case (.post, "/_sim/release"):
            let count = try await json(of: request)["count"]?.integer
            guard count ?? 0 >= 0 else { return .json(["error": "count must not be negative"], status: 400) }
            return .json(["released": .integer(simulation.held.release(count))])
        case (.post, "/_sim/expire_tokens"):
            try simulation.google.tokens.expireAll()
            return .json([:])
        case (.post, "/_sim/advance"):
            let seconds = try await json(of: request)["seconds"]?.integer
            guard let seconds, (0...Self.longestAdvance).contains(seconds) else {
                return .json(["error": "seconds must be 0 to \(Self.longestAdvance)"], status: 400)
            }
            simulation.clock.advance(bySeconds: seconds)
            return .json(["now": .integer(simulation.clock.unixSeconds)])
        case (.post, "/_sim/openai/hold"): return .json(try simulation.openAI.hold(try await json(of: request)))
        case (.post, "/_sim/openai/advance"):
            return .json(try await simulation.openAI.advance(try await json(of: request)))
        case (.get, "/_sim/service_account.json"), (.get, "/_sim/authorized_user.json"):
            return try credentials(request)
        default: return .json(["error": "unknown control route"], status: 404)
        }
    }

    private func credentials(_ request: Incoming) throws -> Reply {
        guard let name = request.query("account"), AccountName.isValid(name) else {
            return .json(["error": "the query has no valid account"], status: 400)
        }
        // The Google port is where tokens are had, whichever port was asked.
        let origin = request.provider == .google ? request.origin : simulation.google.origin
        let account = try simulation.google.accounts.account(name)
        let json = request.path.contains("authorized_user") ? account.userJSON(origin) : account.serviceJSON(origin)
        return .json(json)
    }

    private func json(of request: Incoming) async throws -> JSON {
        try JSONParser.parse(try await request.body(upTo: Self.bodyLimit).readableBytesView)
    }
}

/// The names that accounts may have.
enum AccountName {
    /// Whether `name` is 1 to 64 letters, digits, `-` or `_`.
    static func isValid(_ name: String) -> Bool {
        (1...64).contains(name.count)
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
    }
}
