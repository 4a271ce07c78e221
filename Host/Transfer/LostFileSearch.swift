import HostCore
import HostPlugins
import Logging

/// Finds out what became of a copy whose creation was cut off before its provider had told its id.
struct LostFileSearch: Sendable {
    /// What is known of such a copy.
    enum Finding: Sendable {
        /// Nothing of it exists.
        case nothing
        /// It may still come into being, or be somebody else's: to be looked at again later.
        case open
    }

    private static let clockSkewInSeconds: Int64 = 10
    /// After its request was cut off, a provider may still finish a file for so long.
    private static let longestDelayInSeconds: Int64 = 30
    private static let maximumPages = 200

    let removal: CopyRemoval
    let work: any UnfinishedWork
    /// Whether what is found is deleted, or told in the log alone.
    let deletes: Bool

    /// Looks for a copy without an id and removes what it finds.
    ///
    /// - Throws: ``FanOutFailure`` if the provider cannot be asked; what ``UnfinishedWork`` throws.
    func settle(_ copy: FileCopy, of file: ManagedFile) async throws -> Finding {
        guard let target = removal.plugins.target(copy.deployment) else { return .open }
        switch target.lostFiles {
        case .none?: return .nothing
        case .search?: return try await search(copy, of: file, at: target.deployment)
        case nil:
            log("an upload that was cut off cannot be searched for: its plugin does not offer it", copy, [])
            return .nothing
        }
    }

    private func search(_ copy: FileCopy, of file: ManagedFile, at deployment: Deployment) async throws -> Finding {
        let suspects = try await list(copy, of: file, at: deployment)
        let ifNotFound: Finding = removal.mayStillCome(copy) ? .open : .nothing
        guard !suspects.isEmpty else { return ifNotFound }
        let deployments = removal.plugins.deployments(losing: .search)
        let judgement = try await work.judge(suspects, like: file, at: deployments)
        // An upload of the same file that goes on now could have made any of them.
        guard judgement.running == 0 else { return .open }
        if judgement.unrecorded.isEmpty { return ifNotFound }
        guard deletes, judgement.unrecorded.count <= judgement.cutOff else {
            let message: Logger.Message =
                deletes
                ? "an upload that was cut off cannot be told from other files: see which is not needed"
                : "an upload that was cut off may have left a file: see whether it is needed"
            log(message, copy, judgement.unrecorded)
            return .nothing
        }
        for id in judgement.unrecorded {
            log("a file of an upload that was cut off is deleted", copy, [id])
            try await removal.delete(id, at: deployment, requestID: "sweep")
        }
        return .nothing
    }

    private func list(_ copy: FileCopy, of file: ManagedFile, at deployment: Deployment) async throws -> [String] {
        let like = CopyCreation.input(for: file, expiresIn: nil)
        let since = copy.begunAt.advanced(bySeconds: -Self.clockSkewInSeconds)
        let until = copy.updatedAt.advanced(bySeconds: Self.longestDelayInSeconds + Self.clockSkewInSeconds)
        var found: [String] = []
        var after: String?
        for _ in 0..<Self.maximumPages {
            let input = FileSearchInput(
                like: like,
                since: since.secondsSince1970,
                until: until.secondsSince1970,
                after: after
            )
            let page = try await page(input, at: deployment)
            // Whatever the plugin takes for alike: a file of another length is not the one that was cut off.
            found += page.data.filter { $0.bytes == like.bytes }.map(\.id)
            after = page.next
            if after == nil { break }
        }
        return found
    }

    private func page(_ input: FileSearchInput, at deployment: Deployment) async throws -> FileListResult {
        guard let json = input.json else { preconditionFailure("text and numbers can be written as JSON") }
        do throws(OperationFailure) {
            let request = OperationRequest(.fileList, requestID: "sweep", input: json)
            return try FileListResult(try await removal.plugins.run(request, on: deployment.id))
        } catch {
            throw FanOutFailure(deployment: deployment, failure: error)
        }
    }

    private func log(_ message: Logger.Message, _ copy: FileCopy, _ ids: [String]) {
        removal.logger.warning(
            message,
            metadata: ["deployment.id": "\(copy.deployment)", "provider.ids": "\(ids.joined(separator: " "))"]
        )
    }
}
