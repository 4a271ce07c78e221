/// How notices travel: with a mark in front, by which a process knows its own again.
struct PostgreSQLPublisher: Sendable {
    static let channel = "gantry"
    static let statement = "SELECT pg_notify('\(channel)', $1)"
    private static let maximumLength = 4000

    private let mark = String(UInt64.random(in: .min ... .max), radix: 36) + ":"

    /// What is sent for a notice.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse` if the notice is too long.
    func payload(_ notice: String) throws(DatabaseError) -> String {
        guard notice.utf8.count <= Self.maximumLength else {
            throw DatabaseError(.misuse, "A notice is longer than \(Self.maximumLength) bytes: publish less.")
        }
        return mark + notice
    }

    /// The notice of another process; nil for one of this, and for what is no notice.
    func notice(_ payload: String) -> String? {
        guard !payload.hasPrefix(mark), let colon = payload.firstIndex(of: ":") else { return nil }
        return String(payload[payload.index(after: colon)...])
    }
}
