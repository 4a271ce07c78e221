import HostCore

/// The gateway's ids for what a provider says of a job: of the job itself and of the files that it learns from.
struct JobNames: Sendable {
    private let texts: [String: String]

    /// Reads the names.
    ///
    /// - Throws: ``DecodingError`` if the registry was changed by something else.
    init(_ job: ManagedObject, _ services: GatewayServices) throws {
        let document = try ObjectDocument(job.state.document)
        let files = JobFiles(document)
        var texts: [String: String] = [:]
        let known: [(id: String?, text: String?)] = [
            (job.providerID, services.objectIDs.text(for: job)), (files.training, document.text("training_file")),
            (files.validation, document.text("validation_file")),
        ]
        for (id, text) in known {
            if let id, !id.isEmpty, let text { texts[id] = text }
        }
        self.texts = texts
    }

    /// What stands in the place of the provider's ids.
    var replacements: [String: String?] { texts.mapValues { $0 } }

    /// The same with the gateway's ids, also inside of messages.
    func rewritten(_ value: ConfigurationValue) -> ConfigurationValue {
        switch value {
        case .string(let text): .string(texts.reduce(text) { $0.replacing($1.key, with: $1.value) })
        case .list(let items): .list(items.map(rewritten))
        case .map(let members): .map(members.mapValues(rewritten))
        case .null, .bool, .integer, .double: value
        }
    }
}
