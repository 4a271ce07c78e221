import HostCore
import HostPlugins
import HostRegistry
import NIOCore

/// OpenAI's fine-tuning job object, with all of its members always there.
struct JobObject: Sendable {
    /// What a provider says and a client is shown as it is; ids in it are replaced.
    static let providerMembers = [
        "error", "estimated_finish", "fine_tuned_model", "finished_at", "hyperparameters", "method", "seed",
        "trained_tokens",
    ]
    private static let ownMembers = ["training_file", "validation_file", "integrations", "metadata"]
    private static let resultFiles = "result_file_uuids"
    private static let resultMIMEType = "text/csv"
    private static let unknownHyperparameters = ConfigurationValue.map([
        "n_epochs": .string("auto"), "batch_size": .string("auto"), "learning_rate_multiplier": .string("auto"),
    ])

    let value: ConfigurationValue
    let id: String

    /// Describes a job as its owner is shown it.
    ///
    /// - Throws: ``DecodingError`` if the registry was changed by something else.
    init(_ job: ManagedObject, _ services: GatewayServices) throws {
        let document = try ObjectDocument(job.state.document)
        let names = try JobNames(job, services)
        id = services.objectIDs.text(for: job)
        var shown: [String: ConfigurationValue] = [
            "id": .string(id), "object": .string("fine_tuning.job"), "model": .string(job.origin.modelName),
            "created_at": .integer(job.createdAt.secondsSince1970),
            // The provider's is the gateway's own affair.
            "organization_id": .string("gantry"),
            // What it has made is its owner's a moment after the provider has ended it.
            "status": .string(job.stage == .settling ? JobStatus.running.rawValue : job.state.status),
        ]
        for name in Self.ownMembers { shown[name] = document[name] }
        for name in Self.providerMembers { shown[name] = names.rewritten(document[name]) }
        if shown["hyperparameters"] == .null { shown["hyperparameters"] = Self.unknownHyperparameters }
        if shown["method"] == .null { shown["method"] = nil }
        if shown["seed"] == .null { shown["seed"] = .integer(0) }
        if job.stage != .settled {
            for name in ["fine_tuned_model", "finished_at"] { shown[name] = .null }
        }
        shown["result_files"] = .list(Self.files(in: document, of: job, services))
        value = .map(shown)
    }

    func json() throws -> ByteBuffer { try ByteBuffer(json: value) }

    /// Keeps the ids of a job's files.
    static func keep(resultFiles files: [FileID], in document: inout ObjectDocument) {
        document.members[resultFiles] = .list(files.map { .string($0.uuid.text) })
    }

    private static func files(
        in document: ObjectDocument,
        of job: ManagedObject,
        _ services: GatewayServices
    ) -> [ConfigurationValue] {
        guard job.stage == .settled, case .list(let kept) = document[resultFiles] else { return [] }
        return kept.compactMap { item in
            guard case .string(let text) = item, let uuid = RecordUUID(text: text[...]) else { return nil }
            let id = FileID(uuid: uuid)
            return .string(
                services.fileIDs.text(for: id, mimeType: resultMIMEType, targetNames: [job.origin.modelName])
            )
        }
    }
}
