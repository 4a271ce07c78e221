import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Logging

/// Makes a batch at a provider: first its record, then its derived input, then the batch.
///
/// Whatever fails is undone; what cannot be undone now is found by the keeper, on this host or another.
struct BatchCreation: Sendable {
    let services: GatewayServices
    let callID: String

    /// Makes a batch of a file for whoever asks.
    ///
    /// - Throws: As ``BatchPreparation/prepare(_:for:)``; ``DeploymentFailure`` of the provider that does not take it.
    func create(_ body: NewBatchBody, for principal: Principal) async throws -> ManagedObject {
        let webhookURL = try services.webhooks.target(requested: body.metadata?[WebhookRules.metadataKey])
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
        let document = try self.document(body)
        let report = ObjectReport(status: "validating", document: try document.text())
        let begun = try await services.registry.beginObject(origin, report)
        let input: String
        do {
            input = try await makeInput(derived, of: prepared)
        } catch {
            await drop(begun)
            throw error
        }
        return try await make(begun, of: input, body, document, at: prepared.deployment)
    }

    private func document(_ body: NewBatchBody) throws -> ObjectDocument {
        ObjectDocument([
            "endpoint": .string(body.endpoint), "completion_window": .string(body.completionWindow),
            "input_file_id": .string(body.inputFileID),
            "metadata": body.metadata.map { .map($0.mapValues { .string($0) }) } ?? .null,
            "output_expires_after": body.outputExpiresAfter.map { .integer($0.seconds) } ?? .null,
        ])
    }

    // MARK: The derived input

    private func rewriting(_ prepared: PreparedBatch) -> BatchRewriting {
        BatchRewriting(model: prepared.deployment.upstreamModel, files: prepared.copies.mapValues(\.id))
    }

    private func derivedSize(of prepared: PreparedBatch) -> Int64 {
        makesItsOwnInput(prepared.deployment)
            ? prepared.content.sizeInBytes : prepared.input.size(after: rewriting(prepared))
    }

    private func makesItsOwnInput(_ deployment: Deployment) -> Bool {
        services.plugins.target(deployment.id)?.serves(.inputCreate) ?? false
    }

    /// Makes the provider's form of the input.
    ///
    /// - Returns: The provider's id of it.
    private func makeInput(_ new: NewFile, of prepared: PreparedBatch) async throws -> String {
        let target = prepared.deployment
        guard case .begun(let file) = try await services.registry.beginFile(new, targets: [target.id]) else {
            preconditionFailure("A file without an idempotency key is always begun.")
        }
        do {
            if makesItsOwnInput(target) {
                try await services.fanOut.create(file, at: [target], requestID: callID) {
                    inputCreation(of: file, prepared)
                }
            } else {
                let source = RewrittenBatchFile(
                    prepared.content,
                    input: prepared.input,
                    rewriting: rewriting(prepared)
                )
                try await services.fanOut.create(
                    file,
                    from: source,
                    at: [target],
                    expiresIn: nil,
                    requestID: callID
                )
            }
            let made = try await services.registry.commitFile(file.id, as: .internal)
            guard let id = made.copies.first?.providerID else {
                throw RegistryError(.conflict, "The derived input has no copy.")
            }
            return id
        } catch {
            await abandon(file)
            throw error
        }
    }

    private func inputCreation(of file: ManagedFile, _ prepared: PreparedBatch) -> OperationRequest {
        let input = InputCreateInput(
            purpose: FilePurpose.batch.rawValue,
            name: file.newObjectName(),
            bytes: prepared.content.sizeInBytes,
            endpoint: prepared.input.endpoint
        )
        guard let json = input.json else { preconditionFailure("text and numbers can be written as JSON") }
        let names = InputLines.BatchNames(model: prepared.deployment.upstreamModel, files: prepared.copies)
        return OperationRequest(
            .inputCreate,
            requestID: callID,
            input: json,
            lines: InputLines(batch: prepared.content, input: prepared.input, names: names)
        )
    }

    private func abandon(_ file: ManagedFile) async {
        do {
            let isGone = try await services.registry.abandonFile(file.id)
            if !isGone { services.sweeper.ring() }
        } catch {
            // What was committed is discarded with the batch's record.
            log("a batch's derived input is left to the next sweep", error)
        }
    }

    // MARK: The batch

    private func make(
        _ batch: ManagedObject,
        of inputID: String,
        _ body: NewBatchBody,
        _ document: ObjectDocument,
        at target: Deployment
    ) async throws -> ManagedObject {
        let input = BatchCreateInput(
            inputFileID: inputID,
            endpoint: body.endpoint,
            completionWindow: body.completionWindow,
            // The provider need not know whom the gateway tells.
            metadata: body.metadata?.filter { $0.key != WebhookRules.metadataKey },
            outputExpiresAfter: body.outputExpiresAfter,
            name: batch.id.uuid.text
        )
        guard let json = input.json else { preconditionFailure("text and numbers can be written as JSON") }
        do {
            let request = OperationRequest(.batchCreate, requestID: callID, input: json)
            let result = try await services.plugins.run(request, on: target.id) {
                [registry = services.registry] entry in
                guard case .remember("batch", let id) = entry else { return }
                try await registry.remember(batch.id, providerID: id)
            }
            let created = try ObjectResult(result)
            try await services.registry.remember(batch.id, providerID: created.id)
            try Task.checkCancellation()
            var document = document
            document.take(BatchObject.providerMembers, from: created)
            // What has ended already is looked at at once.
            let report = ObjectReport(status: BatchStatus.open(created.status), document: try document.text())
            let pause = BatchStatus(created.status)?.isTerminal == true ? 0 : services.keeper.firstPause
            return try await services.registry.openObject(batch.id, report, due: pause)
        } catch let failure as OperationFailure {
            if failure.mayHaveActed { await giveUp(batch) } else { await drop(batch) }
            throw DeploymentFailure(deployment: target, failure: failure)
        } catch {
            await giveUp(batch)
            throw error
        }
    }

    /// Leaves a batch that may exist to the keeper, which removes it.
    private func giveUp(_ batch: ManagedObject) async {
        do {
            try await services.registry.abandonObject(batch.id)
            services.keeper.ring()
        } catch {
            log("a batch that could not be made is left to the next sweep", error)
        }
    }

    /// Removes the record of a batch of which nothing exists.
    private func drop(_ batch: ManagedObject) async {
        do {
            try await services.registry.dropObject(batch.id)
            services.sweeper.ring()
        } catch {
            log("the record of a batch that could not be made is left to the next sweep", error)
        }
    }

    private func log(_ message: Logger.Message, _ error: any Error) {
        services.logger.warning(message, metadata: ["call.id": "\(callID)", "error": "\(error)"])
    }
}
