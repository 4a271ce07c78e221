import HostCore
import Logging
import Synchronization

/// Removes the parts of uploads that are over, and what an earlier run of this host left unnoted.
package final class UploadSweep: Sendable {
    private let journal: any UploadJournal
    private let store: PartStore
    private let logger: Logger
    private let hasLookedBack = Mutex(false)
    private let isRunning = Mutex(false)

    /// Makes a sweep.
    ///
    /// - Parameters:
    ///   - journal: Where it is written down which uploads are open.
    ///   - store: This host's parts.
    ///   - logger: For what could not be removed.
    package init(journal: any UploadJournal, store: PartStore, logger: Logger) {
        self.journal = journal
        self.store = store
        self.logger = logger
    }

    /// Sweeps once, unless another sweep is at it.
    package func run() async {
        let isFirst = isRunning.withLock { running in
            defer { running = true }
            return !running
        }
        guard isFirst else { return }
        defer { isRunning.withLock { $0 = false } }
        do {
            try await journal.expireUploads()
            try await store.clear()
            let found = try await store.uploads()
            let open = try await journal.openUploads(among: found)
            // The first part of an upload may come in between: what has no row was looked up after its folder was found.
            for upload in found.subtracting(open) {
                _ = await inTheirTurn(upload) { try await self.store.removeAll(of: upload) }
            }
            guard !hasLookedBack.withLock({ $0 }) else { return }
            var hasSeenAll = true
            for upload in open {
                let hasSeen = await inTheirTurn(upload) { try await self.lookBack(at: upload) }
                hasSeenAll = hasSeenAll && hasSeen
            }
            if hasSeenAll { hasLookedBack.withLock { $0 = true } }
        } catch {
            logger.warning("parts of uploads could not be swept", metadata: ["error": "\(error)"])
        }
    }

    /// Whether it was done; an upload whose folder cannot be changed does not hold up the others.
    private func inTheirTurn(_ upload: RecordUUID, _ work: () async throws -> Void) async -> Bool {
        do {
            try await work()
            return true
        } catch {
            logger.warning(
                "parts of an upload could not be swept",
                metadata: ["upload.uuid": "\(upload.text)", "error": "\(error)"]
            )
            return false
        }
    }

    /// Counts what an earlier run left, and removes what it could not note any more.
    private func lookBack(at upload: RecordUUID) async throws {
        let holding = try await store.holding(of: upload)
        // First what arrives, then what is noted: a part that is in neither will never be noted.
        let arriving = Set(store.arriving.map(\.text))
        let noted = Set(try await journal.parts(of: ObjectID(.upload, uuid: upload)).map(\.id.uuid.text))
        let left = holding.names.subtracting(noted).subtracting(arriving)
        // In a folder of several hosts it may be another's that is about to be noted; it goes with its upload.
        if !store.isShared, !left.isEmpty { try await store.remove(left, of: upload) }
        store.count(try await store.holding(of: upload), of: upload)
    }
}
