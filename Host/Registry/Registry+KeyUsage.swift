import HostCore
import HostDatabase

extension Registry {
    private static let usesWrittenAtOnce = 256

    /// Writes down when keys were last used; to be called about once a minute and once more before the end.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`: what could not be written is written the next time.
    package func flushKeyUsage() async throws(RegistryError) {
        let uses = keyUsage.take()
        for start in stride(from: 0, to: uses.count, by: Self.usesWrittenAtOnce) {
            let batch = Array(uses[start..<min(start + Self.usesWrittenAtOnce, uses.count)])
            do {
                try await change("noting the use of keys") { try Self.write(batch, to: $0) }
            } catch {
                keyUsage.putBack(Array(uses[start...]))
                throw error
            }
        }
    }

    /// The list is filled up to a power of two, so that few statements are prepared for lists of many lengths.
    private static func write(_ uses: [KeyUsage.Use], to connection: any DatabaseConnection) throws {
        guard let last = uses.last else { return }
        var count = 1
        while count < uses.count { count *= 2 }
        var sql = SQLText()
        let rows = (uses + Array(repeating: last, count: count - uses.count)).map { use in
            let id = sql.bind(.text(use.key.description))
            return "(CAST(\(id) AS TEXT), CAST(\(sql.bind(.integer(use.time.secondsSince1970))) AS BIGINT))"
        }
        try connection.execute(
            """
            UPDATE keys SET last_used_at = uses.column2 FROM (VALUES \(rows.joined(separator: ", "))) AS uses
            WHERE keys.id = uses.column1 AND (keys.last_used_at IS NULL OR keys.last_used_at < uses.column2)
            """,
            sql.arguments
        )
    }
}
