import HostCore

extension Registry: UnfinishedFiles {
    package func unfinishedFiles(quietFor age: Duration) async throws -> [ManagedFile] {
        try await unfinished(olderThan: age)
    }

    package func discard(_ file: ManagedFile) async throws {
        switch file.status {
        case .deleting: try await finishDelete(file.id)
        case .uploading, .ready, .expired: try await abandonFile(file.id)
        }
    }
}
