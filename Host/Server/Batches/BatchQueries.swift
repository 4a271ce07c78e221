import HostCore
import HostPlugins

/// What a provider is asked about one of its batches.
struct BatchQueries: Sendable {
    let plugins: PluginHost
    let requestID: String

    /// BATCH_GET or BATCH_CANCEL.
    func run(
        _ kind: OperationKind,
        _ providerID: String,
        at deployment: DeploymentID
    ) async throws(OperationFailure) -> ObjectResult {
        try ObjectResult(try await plugins.run(request(kind, ObjectInput(id: providerID)), on: deployment))
    }

    /// BATCH_RESULTS.
    func results(of batch: ManagedObject, _ providerID: String) async throws -> BatchResults {
        let input = BatchResultsInput(
            id: providerID,
            name: batch.id.uuid.text,
            endpoint: try ObjectDocument(batch.state.document).text("endpoint") ?? ""
        )
        // Asked again after a crash it makes the same objects, so nothing has to be written down on the way.
        return try BatchResults(try await plugins.run(request(.batchResults, input), on: batch.deployment))
    }

    /// FILE_GET; nil if the provider has no such file.
    func file(_ providerID: String, at deployment: DeploymentID) async throws(OperationFailure) -> FileResult? {
        do throws(OperationFailure) {
            return try FileResult(try await plugins.run(request(.fileGet, FileInput(id: providerID)), on: deployment))
        } catch  where error.reason == .notFound {
            return nil
        }
    }

    /// BATCH_LIST, all pages of it, up to a bound.
    func search(for batch: ManagedObject, of input: String, since: UnixTime) async throws(OperationFailure) -> [String]
    {
        var found: [String] = []
        var after: String?
        for _ in 0..<Self.maximumPages {
            let search = ObjectSearchInput(
                name: batch.id.uuid.text,
                inputFileID: input,
                since: since.secondsSince1970,
                after: after
            )
            let page = try FileListResult(try await plugins.run(request(.batchList, search), on: batch.deployment))
            found += page.data.map(\.id)
            after = page.next
            if after == nil { break }
        }
        return found
    }

    func request(_ kind: OperationKind, _ input: some OperationInput) -> OperationRequest {
        guard let json = input.json else { preconditionFailure("text and numbers can be written as JSON") }
        return OperationRequest(kind, requestID: requestID, input: json)
    }

    private static let maximumPages = 200
}
