import HostCore
import HostPlugins
import HostRegistry
import HostTransfer

/// Makes a batch of a file: its derived input, then the batch.
struct BatchCreation: Sendable {
    let services: GatewayServices
    let callID: String

    private var creation: ObjectCreation { ObjectCreation(services: services, callID: callID) }

    /// Makes a batch of a file for whoever asks.
    ///
    /// - Throws: As ``BatchPreparation/prepare(_:for:)``; ``DeploymentFailure`` of the provider that does not take it.
    func create(_ body: NewBatchBody, for principal: Principal) async throws -> ManagedObject {
        let metadata = ObjectMetadata(body.metadata)
        let webhookURL = try services.webhooks.target(requested: metadata.webhookURL)
        let prepared = try await BatchPreparation(services: services, callID: callID).prepare(body, for: principal)
        let derived = NewFile(
            for: principal,
            purpose: .batch,
            // Of its own, so that what is left of it can be told from whatever else lies at the provider.
            filename: "batch-\(RecordUUID.random().text).jsonl",
            mimeType: BatchObject.outputMIMEType,
            content: FileContent(sizeInBytes: derivedSize(of: prepared), sha256: nil),
            targetNames: [prepared.modelName]
        )
        let origin = ManagedObject.Origin(
            id: ObjectID(.batch, uuid: .random()),
            owner: principal.owner,
            teamID: principal.teamID,
            deployment: prepared.deployment.id,
            modelName: prepared.modelName,
            inputID: prepared.file.id,
            derivedID: derived.id,
            outputID: FileID(uuid: .random()),
            errorID: FileID(uuid: .random()),
            webhookURL: webhookURL
        )
        let plan = ObjectCreation.Plan(
            operation: .batchCreate,
            journalKind: "batch",
            form: BatchKind(),
            deployment: prepared.deployment
        )
        return try await creation.create(origin, status: "validating", document(body), by: plan) { _ in
            BatchCreateInput(
                inputFileID: try await makeInput(derived, of: prepared),
                endpoint: body.endpoint,
                completionWindow: body.completionWindow,
                metadata: metadata.forProvider,
                outputExpiresAfter: body.outputExpiresAfter,
                name: origin.id.uuid.text
            )
        }
    }

    private func document(_ body: NewBatchBody) -> ObjectDocument {
        ObjectDocument([
            "endpoint": .string(body.endpoint), "completion_window": .string(body.completionWindow),
            "input_file_id": .string(body.inputFileID),
            "metadata": ObjectMetadata(body.metadata).shown,
            "output_expires_after": body.outputExpiresAfter.map { .integer($0.seconds) } ?? .null,
        ])
    }

    // MARK: The derived input

    private func rewriting(_ prepared: PreparedBatch) -> BatchRewriting {
        BatchRewriting(model: prepared.deployment.upstreamModel, files: prepared.copies.mapValues(\.id))
    }

    private func derivedSize(of prepared: PreparedBatch) -> Int64 {
        services.writesItsOwnInput(prepared.deployment)
            ? prepared.content.sizeInBytes : prepared.input.size(after: rewriting(prepared))
    }

    /// Makes the provider's form of the input.
    ///
    /// - Returns: The provider's id of it.
    private func makeInput(_ new: NewFile, of prepared: PreparedBatch) async throws -> String {
        let target = prepared.deployment
        return try await creation.makeHidden(new, at: target) { file in
            guard services.writesItsOwnInput(target) else {
                let source = RewrittenBatchFile(
                    prepared.content,
                    input: prepared.input,
                    rewriting: rewriting(prepared)
                )
                return try await services.fanOut.create(
                    file,
                    from: source,
                    at: [target],
                    expiresIn: nil,
                    requestID: callID
                )
            }
            try await creation.createInput(
                of: file,
                at: target,
                endpoint: prepared.input.endpoint,
                bytes: prepared.content.sizeInBytes
            ) {
                let names = InputLines.BatchNames(model: target.upstreamModel, files: prepared.copies)
                return InputLines(batch: prepared.content, input: prepared.input, names: names)
            }
        }
    }
}
