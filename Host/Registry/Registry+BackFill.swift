import HostCore
import HostDatabase

extension Registry: CopyClaims {
    /// Writes down that a copy of a file in use is going to be made at a deployment.
    ///
    /// - Throws: ``RegistryError`` with `.notFound` if the file is gone; `.storeUnavailable`.
    package func beginCopy(
        _ file: FileID,
        at deployment: DeploymentID
    ) async throws(RegistryError) -> CopyBeginning {
        let now = clock.now()
        work.begin(file, at: deployment)
        do {
            let beginning = try await change("beginning a copy") { [rowLock, worker] connection -> CopyBeginning in
                let found = try Self.existing(file, rowLock, in: connection)
                guard found.status == .ready else { throw RegistryError(.notFound, "The file is being deleted.") }
                if found.usableCopy(at: deployment, now: now) != nil { return .ready(found) }
                let begun = try connection.execute(
                    """
                    INSERT INTO file_copies (file_id, deployment_id, place, state, begun_at, updated_at, worker)
                    VALUES ($1, $2, $3, 'pending', $4, $5, $6) ON CONFLICT (file_id, deployment_id) DO NOTHING
                    """,
                    [
                        file.stored, .text(deployment.description), .integer(Int64(found.copies.count)),
                        .integer(now.secondsSince1970), .integer(now.secondsSince1970), .text(worker.text),
                    ]
                )
                if begun == 1 { return .begun(try Self.existing(file, in: connection)) }
                let state = found.copies.first { $0.deployment == deployment }?.state
                return state == .pending ? .beingMade : .beingRemoved
            }
            if case .begun = beginning {} else { work.end(file, at: deployment) }
            return beginning
        } catch {
            work.end(file, at: deployment)
            throw error
        }
    }

    /// Forgets a copy that its provider no longer has, if it is still the one that was missed.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func lose(_ copy: FileCopy, of file: FileID) async throws(RegistryError) {
        guard let providerID = copy.providerID else { return }
        let now = clock.now()
        try await change("noting a lost copy") { [rowLock] connection in
            try Self.lock(file, rowLock, in: connection)
            try Self.drop(file, at: copy.deployment, providerID: providerID, now: now, in: connection)
        }
        cachedFileRecords.remove([file])
    }
}
