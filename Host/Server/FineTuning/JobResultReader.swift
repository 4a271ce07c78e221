import HostCore
import HostPlugins
import HostRegistry

/// Finds out what a job has made: its model with the checkpoints, and its files.
struct JobResultReader: Sendable {
    private static let mostFiles = 16
    private static let mostCheckpoints = 100
    private static let mimeType = "text/csv"

    let settling: ObjectSettling
    let job: ManagedObject
    let report: ObjectResult

    private var queries: ObjectQueries { settling.queries }

    /// The provider's ids of the files that a job has made.
    static func files(in report: ObjectResult) -> [String] {
        guard case .list(let files)? = report.members["result_files"] else { return [] }
        return files.prefix(mostFiles).compactMap { if case .string(let id) = $0 { id } else { nil } }
    }

    /// Reads what there is.
    ///
    /// - Parameter document: Gets the ids of the files that will be the owner's.
    /// - Returns: What the job has made.
    /// - Throws: ``OperationFailure`` of a provider that cannot be asked now.
    func read(into document: inout ObjectDocument) async throws -> ObjectOutcome {
        var outcome = ObjectOutcome(model: settling.form.model(in: report))
        outcome.checkpoints = try await checkpoints()
        for id in Self.files(in: report) {
            guard let file = try await queries.file(id, at: job.deployment) else { continue }
            outcome.files.append(resultFile(file, number: outcome.files.count))
        }
        JobObject.keep(resultFiles: outcome.files.map(\.id), in: &document)
        return outcome
    }

    private func resultFile(_ file: FileResult, number: Int) -> ObjectSettlement.ResultFile {
        let name = settling.objectIDs.text(for: job.id, at: nil)
        return ObjectSettlement.ResultFile(
            id: FileID(uuid: .random()),
            providerID: file.id,
            purpose: .fineTuneResults,
            filename: "\(name)_results\(number == 0 ? "" : "_\(number + 1)").csv",
            mimeType: Self.mimeType,
            sizeInBytes: file.bytes ?? 0,
            expiresAt: file.expiresAt.map(UnixTime.init(secondsSince1970:))
        )
    }

    /// The names of the models that were kept on the way; not of a job that failed, of which nobody expects any.
    private func checkpoints() async throws -> [String] {
        guard report.status != JobStatus.failed.rawValue, let providerID = job.providerID,
            settling.plugins.target(job.deployment)?.serves(.tuneCheckpoints) == true
        else { return [] }
        let input = ObjectPageInput(id: providerID, after: nil, limit: Self.mostCheckpoints)
        let result: OperationResult
        do throws(OperationFailure) {
            result = try await settling.plugins.run(queries.request(.tuneCheckpoints, input), on: job.deployment)
        } catch {
            guard error.reason == .notFound else { throw error }
            return []
        }
        return try ObjectPageResult(result).data.compactMap { checkpoint in
            guard case .map(let members) = checkpoint else { return nil }
            return ObjectDocument(members).text("fine_tuned_model_checkpoint")
        }
    }
}
