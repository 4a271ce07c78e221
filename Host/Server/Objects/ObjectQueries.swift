import HostCore
import HostPlugins

/// What a provider is asked about one of its batches or jobs.
struct ObjectQueries: Sendable {
    private static let maximumPages = 200

    let plugins: PluginHost
    let requestID: String

    /// An operation that names an object and answers with it, such as BATCH_GET or TUNE_CANCEL.
    func run(
        _ kind: OperationKind,
        _ providerID: String,
        at deployment: DeploymentID
    ) async throws(OperationFailure) -> ObjectResult {
        try ObjectResult(try await plugins.run(request(kind, ObjectInput(id: providerID)), on: deployment))
    }

    /// FILE_GET; nil if the provider has no such file.
    func file(_ providerID: String, at deployment: DeploymentID) async throws(OperationFailure) -> FileResult? {
        do throws(OperationFailure) {
            return try FileResult(try await plugins.run(request(.fileGet, FileInput(id: providerID)), on: deployment))
        } catch {
            guard error.reason == .notFound else { throw error }
            return nil
        }
    }

    /// BATCH_LIST or TUNE_LIST, all pages of it, up to a bound.
    func search(
        for object: ManagedObject,
        _ form: any PolledKind,
        of input: String,
        since: UnixTime
    ) async throws(OperationFailure) -> [String] {
        var found: [String] = []
        var after: String?
        for _ in 0..<Self.maximumPages {
            let search = form.search(for: object, of: input, since: since, after: after)
            let request = self.request(form.listOperation, search)
            let page = try FileListResult(try await plugins.run(request, on: object.deployment))
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
}
