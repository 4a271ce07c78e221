import HostCore
import HostTransfer

extension BatchPreparation {
    /// Where the batch goes; what is in the way stands in the input file.
    func place(
        _ candidates: [Deployment],
        _ modelName: String,
        _ references: [FileReference],
        _ files: [FileID: ManagedFile],
        for principal: Principal
    ) async throws -> (deployment: Deployment, files: [FileID: ManagedFile]) {
        do {
            return try await services.place(
                among: candidates,
                of: modelName,
                holding: references,
                files,
                for: principal,
                callID: callID
            )
        } catch let error as RuleError {
            throw error.about(Self.parameter)
        }
    }

    /// The copies that the lines get to name.
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
