import HostCore
import HostPlugins
import HostRegistry
import HostTransfer

/// Makes a fine-tuning job: its derived inputs where its provider needs them, then the job.
struct JobCreation: Sendable {
    private static let mimeType = "application/jsonl"
    private static let mostDocumentBytes = 256 * 1024

    let services: GatewayServices
    let callID: String

    private var creation: ObjectCreation { ObjectCreation(services: services, callID: callID) }

    /// Makes a job for whoever asks.
    ///
    /// - Throws: As ``JobPreparation/prepare(_:for:)``; ``DeploymentFailure`` of the provider that does not take it.
    func create(_ body: NewJobBody, for principal: Principal) async throws -> ManagedObject {
        let metadata = ObjectMetadata(body.metadata)
        let webhookURL = try services.webhooks.target(requested: metadata.webhookURL)
        var document = self.document(body)
        guard try document.text().utf8.count <= Self.mostDocumentBytes else {
            throw RuleError(.tooLarge, "The job's settings are longer than \(Self.mostDocumentBytes) bytes.")
        }
        let prepared = try await JobPreparation(services: services, callID: callID).prepare(body, for: principal)
        JobFiles(training: prepared.training.copy, validation: prepared.validation?.copy).keep(in: &document)
        let derived = derivedFile(of: prepared.training, "training", body, for: principal)
        let derivedValidation = prepared.validation.flatMap {
            derivedFile(of: $0, "validation", body, for: principal)
        }
        let origin = ManagedObject.Origin(
            id: ObjectID(.job, uuid: .random()),
            owner: principal.owner,
            teamID: principal.teamID,
            deployment: prepared.deployment.id,
            modelName: body.model,
            inputID: prepared.training.file.id,
            validationID: prepared.validation?.file.id,
            derivedID: derived?.id,
            derivedValidationID: derivedValidation?.id,
            webhookURL: webhookURL
        )
        let plan = ObjectCreation.Plan(
            operation: .tuneCreate,
            journalKind: "job",
            form: JobKind(),
            deployment: prepared.deployment
        )
        return try await creation.create(
            origin,
            status: JobStatus.validatingFiles.rawValue,
            document,
            by: plan
        ) { document in
            let training = try await providerID(of: prepared.training, derived, at: prepared.deployment)
            let validation = try await prepared.validation.asyncMap {
                try await providerID(of: $0, derivedValidation, at: prepared.deployment)
            }
            JobFiles(training: training, validation: validation).keep(in: &document)
            return TuneCreateInput(
                trainingFile: training,
                validationFile: validation,
                method: body.method,
                hyperparameters: body.hyperparameters,
                seed: body.seed,
                suffix: body.suffix,
                integrations: body.integrations,
                metadata: metadata.forProvider,
                name: origin.id.uuid.text
            )
        }
    }

    private func document(_ body: NewJobBody) -> ObjectDocument {
        ObjectDocument([
            "training_file": .string(body.trainingFile),
            "validation_file": body.validationFile.map { .string($0) } ?? .null,
            "method": body.method ?? .null, "hyperparameters": body.hyperparameters ?? .null,
            "seed": body.seed.map { .integer($0) } ?? .null, "integrations": body.integrations ?? .null,
            "metadata": ObjectMetadata(body.metadata).shown,
        ])
    }

    /// The hidden file for the form that a provider wants of an input; nil where it takes the copy as it is.
    private func derivedFile(
        of input: PreparedJob.Input,
        _ word: String,
        _ body: NewJobBody,
        for principal: Principal
    ) -> NewFile? {
        guard let content = input.content else { return nil }
        return NewFile(
            for: principal,
            purpose: .fineTune,
            // Of its own, so that what is left of it can be told from whatever else lies at the provider.
            filename: "\(word)-\(RecordUUID.random().text).jsonl",
            mimeType: Self.mimeType,
            content: FileContent(sizeInBytes: content.sizeInBytes, sha256: nil),
            targetNames: [body.model]
        )
    }

    private func providerID(
        of input: PreparedJob.Input,
        _ derived: NewFile?,
        at target: Deployment
    ) async throws -> String {
        if let copy = input.copy { return copy }
        guard let derived, let content = input.content else {
            preconditionFailure("An input has a copy, or content that is derived from.")
        }
        return try await creation.makeHidden(derived, at: target) { file in
            try await creation.createInput(of: file, at: target, bytes: content.sizeInBytes) { InputLines(content) }
        }
    }
}

extension Optional where Wrapped: Sendable {
    /// As `map`, with a step that waits.
    fileprivate func asyncMap<Value>(_ transform: (Wrapped) async throws -> Value) async throws -> Value? {
        guard let value = self else { return nil }
        return try await transform(value)
    }
}
