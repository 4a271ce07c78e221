import HostCore
import Logging

/// Finishes what a crash or an unwilling provider left: half uploads are undone, half deletions done.
package struct Sweeper: Sendable {
    /// Between two sweeps; a deletion that was quiet for as long is stuck.
    private static let interval: Duration = .seconds(30)
    /// An upload that was quiet for as long has died: every operation has an earlier deadline.
    private static let oldestRunningUpload: Duration = .seconds(2 * 3600)

    private let fanOut: FileFanOut
    private let files: any UnfinishedFiles
    private let leftovers: [ManagedFile]
    private let logger: Logger

    /// Makes a sweeper and lists what an earlier process left, before this one begins anything of its own.
    package init(fanOut: FileFanOut, files: any UnfinishedFiles, logger: Logger) async throws {
        self.fanOut = fanOut
        self.files = files
        self.logger = logger
        leftovers = try await files.unfinishedFiles(quietFor: .zero)
    }

    /// Sweeps until the calling task is cancelled.
    package func run() async {
        for file in leftovers { await finish(file) }
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: Self.interval)
            } catch {
                return
            }
            await sweep()
        }
    }

    private func sweep() async {
        do {
            let stuck = try await files.unfinishedFiles(quietFor: Self.interval).filter { $0.status == .deleting }
            let dead = try await files.unfinishedFiles(quietFor: Self.oldestRunningUpload)
            for file in stuck + dead.filter({ $0.status == .uploading }) { await finish(file) }
        } catch {
            logger.warning("unfinished files could not be listed", metadata: ["error": "\(error)"])
        }
    }

    private func finish(_ file: ManagedFile) async {
        let metadata: Logger.Metadata = ["file.uuid": "\(file.id.uuid.text)"]
        do {
            try await fanOut.delete(file, requestID: "sweep")
            try await files.discard(file)
            logger.info("an unfinished file was removed", metadata: metadata)
        } catch {
            logger.warning("an unfinished file could not be removed yet", metadata: metadata)
            logger.debug("why it could not be removed", metadata: metadata.merging(["error": "\(error)"]) { $1 })
        }
    }
}
