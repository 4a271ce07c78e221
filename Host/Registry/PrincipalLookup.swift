import HostCore
import HostDatabase

/// Who bears a key.
package enum PrincipalLookup: Hashable, Sendable {
    case principal(Principal)
    /// No such key, or no longer.
    case unknown
    case expired
    case blocked
}

/// A key as it is kept in memory.
struct KnownKey: Sendable {
    private let principal: Principal
    private let isBlocked: Bool
    private let expiresAt: UnixTime?

    /// Reads the rows of ``Registry/knownKeyQuery(where:)``: one for each team of the key's user; nil if there are none.
    init?(_ rows: [DatabaseRow]) throws {
        guard let row = rows.first else { return nil }
        let role = try row.role("role") ?? row.role("user_role") ?? .user
        principal = Principal(
            keyID: KeyID(try row.text("id")),
            userID: try row.textIfPresent("user_id").map { UserID($0) },
            teamID: try row.textIfPresent("team_id").map { TeamID($0) },
            memberships: Set(try rows.compactMap { try $0.textIfPresent("member_of").map { TeamID($0) } }),
            role: role,
            models: try Self.allowance(row, "models")
                .intersection(Self.allowance(row, "user_models"))
                .intersection(Self.allowance(row, "team_models")),
            allowsRawFileIDs: try row.bool("allow_raw_file_ids")
        )
        isBlocked = try row.bool("blocked") || row.integerIfPresent("team_blocked") ?? 0 != 0
        expiresAt = try row.time("expires_at")
    }

    /// What the key is worth at this moment.
    func lookup(now: UnixTime) -> PrincipalLookup {
        if isBlocked { return .blocked }
        if let expiresAt, expiresAt <= now { return .expired }
        return .principal(principal)
    }

    private static func allowance(_ row: DatabaseRow, _ column: String) throws -> ModelAllowance {
        ModelAllowance(models: try JSONText.decode(row.textIfPresent(column) ?? "[]", column: column))
    }
}

extension ModelAllowance {
    /// What both allow.
    func intersection(_ other: ModelAllowance) -> ModelAllowance {
        switch (self, other) {
        case (.all, _): other
        case (_, .all): self
        case (.only(let names), .only(let others)): .only(names.intersection(others))
        }
    }

    /// Whether this allows nothing that the other does not.
    func isSubset(of other: ModelAllowance) -> Bool {
        switch (self, other) {
        case (_, .all): true
        case (.all, .only): false
        case (.only(let names), .only(let others)): names.isSubset(of: others)
        }
    }
}
