import HostCore
import HostPlugins
import HostTransfer

/// More files that are not at the deployment are not copied there while somebody waits.
private let mostFills = 64

extension BatchPreparation {
    /// Where the batch goes: to a deployment that has every file that the lines name, or gets what it lacks.
    func place(
        _ candidates: [Deployment],
        _ modelName: String,
        _ references: [FileReference],
        _ files: [FileID: ManagedFile],
        for principal: Principal
    ) async throws -> (deployment: Deployment, files: [FileID: ManagedFile]) {
        var generator = SystemRandomNumberGenerator()
        let choice: DeploymentChoice
        do {
            choice = try DeploymentChoice(
                among: candidates,
                holding: references,
                files: files,
                modelName: modelName,
                now: services.clock.now(),
                means: services.copyMeans,
                using: &generator
            )
        } catch {
            throw error.about(Self.parameter)
        }
        if let deployment = choice.candidates.first { return (deployment, files) }
        guard let fill = choice.fills.first else { throw RuleError.noDeployment }
        guard fill.missing.count <= mostFills else {
            throw RuleError(
                .invalidRequest,
                "\(fill.missing.count) files that the input names are not at a deployment of the model \(modelName). "
                    + "Upload them with target_model_names=\(modelName).",
                parameter: Self.parameter
            )
        }
        var filled = files
        for reference in fill.missing {
            guard let file = files[reference.id] else { continue }
            try principal.checkMayCopy(
                file,
                clientID: reference.clientID,
                to: modelName,
                parameter: Self.parameter
            )
            filled[reference.id] = try await services.backFill.fill(file, at: fill.deployment, requestID: callID)
        }
        return (fill.deployment, filled)
    }

    func copies(
        at deployment: Deployment,
        _ references: [FileReference],
        _ files: [FileID: ManagedFile]
    ) throws(RuleError) -> [String: InputLines.NamedCopy] {
        var copies: [String: InputLines.NamedCopy] = [:]
        for reference in references {
            guard let file = files[reference.id],
                let copy = file.usableCopy(at: deployment.id, now: services.clock.now()), let id = copy.providerID
            else {
                // It expired between the choice and now.
                throw .fileNotFound(reference.clientID).about(Self.parameter)
            }
            copies[reference.clientID] = InputLines.NamedCopy(
                id: id,
                mimeType: file.mimeType,
                filename: file.filename
            )
        }
        return copies
    }
}
