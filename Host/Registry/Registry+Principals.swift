import HostCore
import HostDatabase

extension Registry {
    /// Longer texts are no keys; they are not even digested.
    private static let maximumKeyLength = 1024

    /// The statement that ``KnownKey`` reads.
    static func knownKeyQuery(where condition: String) -> String {
        """
        SELECT k.id, k.user_id, k.team_id, k.models, k.role, k.allow_raw_file_ids, k.blocked, k.expires_at,
            u.role AS user_role, u.models AS user_models, t.models AS team_models, t.blocked AS team_blocked,
            m.team_id AS member_of
        FROM keys k LEFT JOIN users u ON u.id = k.user_id LEFT JOIN teams t ON t.id = k.team_id
            LEFT JOIN team_members m ON m.user_id = k.user_id
        WHERE \(condition)
        """
    }

    /// Who bears this key.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`: it is not known whether the key is good.
    package func principal(forKey key: String) async throws(RegistryError) -> PrincipalLookup {
        guard key.utf8.count <= Self.maximumKeyLength else { return .unknown }
        return try await principal(for: KeyDigest(of: key))
    }

    /// Who bears the key with this digest; while the database is away, what was known of it a short while ago.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`: it is not known whether the key is good.
    package func principal(for digest: KeyDigest) async throws(RegistryError) -> PrincipalLookup {
        if let known = cachedPrincipal(for: digest) { return known }
        let (ticket, unknownTicket) = (keys.ticket(), unknownKeys.ticket())
        let found: KnownKey?
        do {
            found = try await inspect("looking up a key") { connection in
                try KnownKey(connection.query(Self.knownKeyQuery(where: "k.digest = $1"), [.blob(digest.bytes)]))
            }
        } catch {
            guard error.code == .storeUnavailable, let known = keys.staleValue(for: digest) else { throw error }
            return known.lookup(now: clock.now())
        }
        guard let found else {
            unknownKeys.insert([(digest, true)], readWith: unknownTicket)
            return .unknown
        }
        keys.insert([(digest, found)], readWith: ticket)
        return use(found)
    }

    /// Who bears the key with this digest, if that is in memory; never waits.
    ///
    /// - Returns: Nil if the database has to be asked.
    package func cachedPrincipal(for digest: KeyDigest) -> PrincipalLookup? {
        if let masterKeyDigest, masterKeyDigest.matches(digest) { return .principal(.master) }
        if let known = keys.value(for: digest) { return use(known) }
        return unknownKeys.value(for: digest) == nil ? nil : .unknown
    }

    private func use(_ known: KnownKey) -> PrincipalLookup {
        let now = clock.now()
        let lookup = known.lookup(now: now)
        if case .principal(let principal) = lookup { keyUsage.note(principal.keyID, at: now) }
        return lookup
    }

    /// Makes lookups of all keys, files and models ask the database again.
    func forgetEverybody() {
        keys.removeAll()
        unknownKeys.removeAll()
        cachedFileRecords.removeAll()
        cachedModels.removeAll()
    }

    /// Makes lookups of these keys ask the database again.
    func forget(_ digests: [KeyDigest]) {
        keys.remove(digests)
        unknownKeys.remove(digests)
    }
}
