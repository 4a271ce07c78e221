import HostCore
import HostDatabase

/// How the completion of an upload begins.
package enum CompletionBeginning: Hashable, Sendable {
    /// The caller makes the file now, of these parts in this order.
    case begun(UploadSession, [UploadPart])
    /// It has been completed before: this is its file.
    case made(FileID)
    /// Another request makes its file now.
    case underWay
}

extension Registry {
    /// Takes an upload in order to make its file; from now on nobody else does.
    ///
    /// It is this worker's until the file is committed with it or ``giveBackUpload(_:madeInto:)`` is called.
    ///
    /// - Parameters:
    ///   - requested: The upload.
    ///   - parts: The parts that make up the file, in their order.
    ///   - file: The file that is going to be made.
    ///   - principal: Who asks.
    /// - Returns: How it begins.
    /// - Throws: ``RuleError`` as for finding the upload, if it is over, or if these are not its parts or have not its
    ///   size together; ``RegistryError`` with `.storeUnavailable`.
    package func beginCompletion(
        of requested: RequestedObject,
        with parts: [RequestedObject],
        into file: FileID,
        for principal: Principal
    ) async throws -> CompletionBeginning {
        let now = clock.now()
        work.begin(file)
        do {
            let beginning = try await changeByRule("beginning to complete an upload") {
                [self] connection -> CompletionBeginning in
                let (upload, _) = try lockedSession(requested, for: principal, in: connection)
                switch upload.status {
                case .completing: return .underWay
                case .completed:
                    guard let file = upload.fileID else { throw RegistryError.unreadable("file of an upload") }
                    return .made(file)
                case .pending, .cancelled, .expired: try upload.checkOpen(at: now)
                }
                let chosen = try Self.choose(parts, of: upload, in: connection)
                try connection.execute(
                    """
                    UPDATE uploads SET status = 'completing', file_id = $1, worker = $2, updated_at = $3 WHERE id = $4
                    """,
                    [
                        file.stored, .text(worker.text), .integer(now.secondsSince1970),
                        upload.id.stored,
                    ]
                )
                return .begun(upload, chosen)
            }
            guard case .begun = beginning else {
                work.end(file)
                return beginning
            }
            return beginning
        } catch {
            work.end(file)
            throw error
        }
    }

    /// Gives up the completion of an upload, which can be completed again then.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`; it can be completed again in any case.
    package func giveBackUpload(_ id: ObjectID, madeInto file: FileID) async throws(RegistryError) {
        let now = clock.now()
        work.end(file)
        try await change("giving back an upload") { connection in
            _ = try connection.execute(
                """
                UPDATE uploads SET status = 'pending', file_id = NULL, worker = NULL, updated_at = $1
                WHERE id = $2 AND status = 'completing' AND file_id = $3
                """,
                [.integer(now.secondsSince1970), id.stored, file.stored]
            )
        }
    }

    /// Notes that an upload has become a file; a part of that file's commitment.
    ///
    /// - Throws: ``RegistryError`` with `.conflict` if the upload is not being made into this file any more.
    static func complete(
        _ id: ObjectID,
        with file: FileID,
        at now: UnixTime,
        in connection: any DatabaseConnection
    ) throws {
        let isTaken = try connection.execute(
            "UPDATE uploads SET updated_at = $1 WHERE id = $2 AND status = 'completing' AND file_id = $3",
            [.integer(now.secondsSince1970), id.stored, file.stored]
        )
        guard isTaken == 1 else {
            throw RegistryError(.conflict, "The upload has been taken over or discarded by somebody else.")
        }
        try UploadRows.end(id.uuid, as: .completed, at: now, in: connection)
    }

    private static func choose(
        _ requested: [RequestedObject],
        of upload: UploadSession,
        in connection: any DatabaseConnection
    ) throws -> [UploadPart] {
        let parts = try UploadRows.parts(of: upload.id, in: connection)
        let known = Dictionary(parts.map { ($0.id, $0) }) { first, _ in first }
        let chosen = try requested.map { part throws(RuleError) in
            guard let known = known[part.id] else { throw .notAPart(part.clientID) }
            return known
        }
        let size = chosen.reduce(0) { $0 + $1.sizeInBytes }
        guard size == upload.terms.sizeInBytes else {
            throw RuleError(
                .invalidRequest,
                "These parts have \(size) bytes together, and the upload was begun with \(upload.terms.sizeInBytes).",
                parameter: "part_ids"
            )
        }
        return chosen
    }
}
