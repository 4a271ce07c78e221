import HTTPTypes
import HostCore
import HostRegistry
import Hummingbird

/// Users and keys, with LiteLLM's requests and answers.
struct KeyRoutes: Sendable {
    let registry: Registry

    func add(to table: inout RouteTable) {
        table.add(.post, ["/user/new"], access: .admin) { try await newUser($0) }
        table.add(.get, ["/user/info"]) { try await userInfo($0) }
        table.add(.post, ["/key/generate"], access: .admin) { try await generate($0) }
        table.add(.get, ["/key/info"]) { try await keyInfo($0) }
        table.add(.post, ["/key/delete"], access: .admin) { try await delete($0) }
    }

    private func newUser(_ call: Call) async throws -> Response {
        let body = try await call.decoded(NewUserBody.self)
        let made = try await registry.createUser(try body.newUser(), with: try body.key.newKey())
        return try .json(KeyAnswer(made.key.record, text: made.key.text, role: made.user.role))
    }

    private func generate(_ call: Call) async throws -> Response {
        let made = try await registry.createKey(try await call.decoded(NewKeyBody.self).newKey())
        return try .json(KeyAnswer(made.record, text: made.text))
    }

    /// An administrator sees every user, everybody else themselves.
    private func userInfo(_ call: Call) async throws -> Response {
        let asked = try QueryParameters(call.request)["user_id"].map { UserID($0) }
        guard let id = asked ?? call.principal.userID else {
            throw RuleError(.invalidRequest, "user_id is missing: this key has no user.", parameter: "user_id")
        }
        guard call.principal.seesEverybody || id == call.principal.userID else {
            throw RuleError(.adminOnly, "\(call.principal.displayName) may not see other users.", parameter: "user_id")
        }
        return try .json(UserInfoAnswer(user: try await registry.user(id)))
    }

    /// An administrator sees every key, everybody else the one they use.
    private func keyInfo(_ call: Call) async throws -> Response {
        guard let asked = try QueryParameters(call.request)["key"] else {
            guard call.principal != .master else {
                throw RuleError(.invalidRequest, "key is missing: the master key has no record.", parameter: "key")
            }
            return try .json(KeyInfoAnswer(try await registry.keyRecord(for: .id(call.principal.keyID))))
        }
        let record = try await keyRecord(asked, for: call.principal)
        return try .json(KeyInfoAnswer(record))
    }

    private func keyRecord(_ asked: String, for principal: Principal) async throws -> KeyRecord {
        let refusal = RuleError(.adminOnly, "\(principal.displayName) may not see other keys.", parameter: "key")
        do {
            let record = try await registry.keyRecord(for: Self.selector(asked))
            guard principal.seesEverybody || record.id == principal.keyID else { throw refusal }
            return record
        } catch let error as RegistryError where error.code == .notFound && !principal.seesEverybody {
            // What is foreign reads like what is missing, so that keys cannot be probed.
            throw refusal
        }
    }

    private func delete(_ call: Call) async throws -> Response {
        let body = try await call.decoded(DeleteKeysBody.self)
        let deleted = try await registry.deleteKeys(body.keys.map(Self.selector))
        return try .json(DeletedKeysAnswer(keys: deleted.map(\.description)))
    }

    /// Keys begin with `sk-`; everything else is a key's id.
    private static func selector(_ text: String) -> KeySelector {
        text.hasPrefix("sk-") ? .digest(KeyDigest(of: text)) : .id(KeyID(text))
    }
}

extension Principal {
    fileprivate var seesEverybody: Bool { role == .admin || role == .viewer }
}
