import HostCore
import HostDatabase

extension Registry {
    /// More ids than this are looked up in several queries of one transaction.
    private static let idsPerQuery = 1024

    /// Finds a file on behalf of a principal, as the database has it now.
    ///
    /// While the database is away a file that was read a short while ago is found as it was then; to delete it, it has to
    /// be there. The client's own spelling of the id is for messages.
    ///
    /// - Throws: ``RuleError`` with `.fileNotFound`, `.fileAccessDenied` or `.fileExpired`; ``RegistryError``.
    package func file(
        _ id: FileID,
        for principal: Principal,
        action: FileAction,
        clientID: String
    ) async throws -> ManagedFile {
        let found = try await look(up: [id], mayBeStale: action == .read)[id]
        return try Self.check(found, action, for: principal, clientID: clientID, now: clock.now())
    }

    /// Finds the files that a request uses, on behalf of a principal, each of them readable by it.
    ///
    /// What was read in the last 1.5 seconds is not read again; the rest is one query. A file may be named twice.
    ///
    /// - Returns: Every file that was named, and no other.
    /// - Throws: ``RuleError`` for the first reference that may not be used; ``RegistryError``.
    package func files(_ requested: [RequestedFile], for principal: Principal) async throws -> [FileID: ManagedFile] {
        var known = cachedFileRecords.values(for: requested.lazy.map(\.id))
        var seen: Set<FileID> = []
        let missing = zip(requested, known).filter { $1 == nil && seen.insert($0.id).inserted }.map(\.0.id)
        if !missing.isEmpty {
            let found = try await look(up: missing, mayBeStale: true)
            for index in known.indices where known[index] == nil { known[index] = found[requested[index].id] }
        }
        return try Self.check(known, requested, for: principal, now: clock.now())
    }

    /// Reads files from the database; those that are not there are left out.
    private func look(up ids: [FileID], mayBeStale: Bool) async throws(RegistryError) -> [FileID: ManagedFile] {
        let ticket = cachedFileRecords.ticket()
        do {
            let found = try await inspect("looking up files") { connection in
                try stride(from: 0, to: ids.count, by: Self.idsPerQuery).flatMap { start in
                    try FileRows.files(Array(ids[start...].prefix(Self.idsPerQuery)), in: connection)
                }
            }
            cachedFileRecords.insert(found.map { ($0.id, $0) }, readWith: ticket)
            return Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
        } catch {
            guard error.code == .storeUnavailable, mayBeStale else { throw error }
            let stale = ids.compactMap { cachedFileRecords.staleValue(for: $0) }
            // A file that is not in memory may well exist: nobody is told that it does not.
            guard stale.count == ids.count else { throw error }
            return Dictionary(stale.map { ($0.id, $0) }) { first, _ in first }
        }
    }

    /// Finds the files that a request uses, on behalf of a principal, if all of them are in memory; never waits.
    ///
    /// - Returns: Every file that was named, and no other; nil if the database has to be asked.
    /// - Throws: ``RuleError`` for the first reference that may not be used.
    package func cachedFiles(
        _ requested: [RequestedFile],
        for principal: Principal
    ) throws(RuleError) -> [FileID: ManagedFile]? {
        if requested.count == 1 {
            // Most requests, and half the work.
            let request = requested[0]
            guard let known = cachedFileRecords.value(for: request.id) else { return nil }
            return [
                request.id: try Self.check(known, .read, for: principal, clientID: request.clientID, now: clock.now())
            ]
        }
        let known = cachedFileRecords.values(for: requested.lazy.map(\.id))
        guard known.allSatisfy({ $0 != nil }) else { return nil }
        return try Self.check(known, requested, for: principal, now: clock.now())
    }

    private static func check(
        _ known: [ManagedFile?],
        _ requested: [RequestedFile],
        for principal: Principal,
        now: UnixTime
    ) throws(RuleError) -> [FileID: ManagedFile] {
        var files: [FileID: ManagedFile] = [:]
        files.reserveCapacity(requested.count)
        for (file, request) in zip(known, requested) {
            files[request.id] = try check(file, .read, for: principal, clientID: request.clientID, now: now)
        }
        return files
    }

    /// Checks what was found for a principal; a file that is not yet made, or hidden, does not exist for anybody.
    static func check(
        _ file: ManagedFile?,
        _ action: FileAction,
        for principal: Principal,
        clientID: String,
        now: UnixTime
    ) throws(RuleError) -> ManagedFile {
        guard let file, file.status.isKnownToClients else { throw .fileNotFound(clientID) }
        try principal.check(action, file, clientID: clientID, now: now)
        return file
    }
}
