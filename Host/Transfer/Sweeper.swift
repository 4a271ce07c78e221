import HostCore
import HostPlugins
import Logging
import Synchronization

/// Finishes what a crash, a lost answer or an unwilling provider left: half uploads are undone, half deletions done,
/// files whose time has passed are deleted.
///
/// Any number of hosts may sweep: each piece of work is claimed by one of them.
package final class Sweeper: Sendable {
    private static let claimedAtOnce = 32
    private static let maximumRounds = 100
    private static let mostSweepsAtOnce = 4
    /// A provider that does not answer holds up the work at the others no longer than this.
    private static let longestAttempt: Duration = .seconds(10)

    /// What one sweep did.
    private struct Count {
        var finished = 0
        var postponed = 0

        mutating func add(_ isFinished: Bool) {
            if isFinished { finished += 1 } else { postponed += 1 }
        }
    }

    private let removal: CopyRemoval
    private let search: LostFileSearch
    private let work: any UnfinishedWork
    private let uploads: UploadSweep
    private let interval: Duration
    private let logger: Logger
    private let bell = Bell()
    private let running = Mutex(0)

    /// Makes a sweeper.
    ///
    /// - Parameters:
    ///   - removal: Where the providers are asked and it is noted what is gone.
    ///   - work: Where it is claimed what is left.
    ///   - uploads: Removes parts of uploads.
    ///   - deletesLostUploads: Whether a file that an upload may have left is deleted, or told in the log alone.
    ///   - interval: Between two sweeps.
    ///   - logger: For one line a sweep that did something.
    package init(
        removal: CopyRemoval,
        work: any UnfinishedWork,
        uploads: UploadSweep,
        deletesLostUploads: Bool,
        interval: Duration,
        logger: Logger
    ) {
        self.removal = removal
        search = LostFileSearch(removal: removal, work: work, deletes: deletesLostUploads)
        self.work = work
        self.uploads = uploads
        self.interval = interval
        self.logger = logger
    }

    /// Has the next sweep begin now.
    package func ring() { bell.ring() }

    /// Sweeps at once and then regularly, until the calling task is cancelled; may be called once.
    ///
    /// A sweep that waits for a provider does not hold up the next one, which leaves what is claimed alone.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [bell, interval] in await bell.ring(every: interval) }
            for await _ in bell.rings where running.withLock({ $0 }) < Self.mostSweepsAtOnce {
                running.withLock { $0 += 1 }
                group.addTask {
                    await self.sweep()
                    self.running.withLock { $0 -= 1 }
                }
            }
            group.cancelAll()
        }
    }

    private func sweep() async {
        var count = Count()
        do {
            for _ in 0..<Self.maximumRounds {
                // What is claimed is finished or given back before anything else can fail.
                let files = try await work.claimFiles(limit: Self.claimedAtOnce)
                await finish(files, &count) { await self.finish($0) }
                let copies = try await work.claimCopies(limit: Self.claimedAtOnce)
                await finish(copies, &count) { await self.finish($0) }
                if Task.isCancelled || files.isEmpty && copies.isEmpty { break }
            }
            try await work.dropOldRecords()
        } catch {
            logger.warning("unfinished work could not be claimed", metadata: ["error": "\(error)"])
        }
        await uploads.run()
        logger.log(
            level: count.finished + count.postponed > 0 ? .info : .debug,
            "sweep finished",
            metadata: ["sweep.finished": "\(count.finished)", "sweep.postponed": "\(count.postponed)"]
        )
    }

    private func finish<Piece: Sendable>(
        _ pieces: [Piece],
        _ count: inout Count,
        by finish: @escaping @Sendable (Piece) async -> Bool
    ) async {
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for piece in pieces { group.addTask { await finish(piece) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for isFinished in outcomes { count.add(isFinished) }
    }

    /// Runs an attempt, which is cancelled when it takes too long and is waited for in any case.
    private static func inTime(_ attempt: @escaping @Sendable () async -> Bool) async -> Bool {
        await withTaskGroup(of: Bool?.self) { group in
            group.addTask { await attempt() }
            group.addTask {
                do { try await Task.sleep(for: longestAttempt) } catch { return nil }
                return nil
            }
            for await outcome in group {
                group.cancelAll()
                if let outcome { return outcome }
            }
            return false
        }
    }

    /// Whether the file and its record are gone.
    private func finish(_ file: ManagedFile) async -> Bool {
        await withTaskGroup(of: Void.self) { group in
            for copy in file.copies { group.addTask { _ = await self.remove(copy, of: file) } }
        }
        do {
            // One that has a copy left is postponed there.
            return try await work.finish(file.id)
        } catch {
            note(error, file, nil)
            return false
        }
    }

    /// Whether the copy is gone.
    private func finish(_ unfinished: UnfinishedCopy) async -> Bool {
        if await remove(unfinished.copy, of: unfinished.file) { return true }
        do {
            try await work.postpone(unfinished)
        } catch {
            note(error, unfinished.file, unfinished.copy)
        }
        return false
    }

    private func remove(_ copy: FileCopy, of file: ManagedFile) async -> Bool {
        await Self.inTime {
            do {
                return try await self.attempt(copy, of: file)
            } catch {
                self.note(error, file, copy)
                return false
            }
        }
    }

    private func attempt(_ copy: FileCopy, of file: ManagedFile) async throws -> Bool {
        if copy.providerID == nil {
            guard case .nothing = try await search.settle(copy, of: file) else { return false }
            try await removal.journal.forget(file.id, at: copy.deployment, providerID: nil)
            return true
        }
        guard case .removed = try await removal.remove(copy, of: file.id, requestID: "sweep") else { return false }
        return true
    }

    private func note(_ error: any Error, _ file: ManagedFile, _ copy: FileCopy?) {
        logger.warning(
            "an unfinished file could not be removed yet",
            metadata: [
                "file.uuid": "\(file.id.uuid.text)", "deployment.id": "\(copy?.deployment.description ?? "-")",
                "error": "\(error)",
            ]
        )
    }
}
