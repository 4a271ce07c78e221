import HostCore
import HostPlugins
import HostRegistry
import HostTransfer

extension GatewayServices {
    /// More files that are not at the deployment are not copied there while somebody waits.
    private static let mostFills = 64

    /// Whether a deployment's plugin writes what batches and jobs work on itself, from the client's lines.
    func writesItsOwnInput(_ deployment: Deployment) -> Bool {
        plugins.target(deployment.id)?.serves(.inputCreate) ?? false
    }

    /// The file that a batch or a job is to work on.
    ///
    /// - Parameters:
    ///   - text: Its id as the client wrote it.
    ///   - purpose: What it has to have been uploaded for.
    ///   - principal: Who asks, and has to be able to read it.
    ///   - parameter: Where the id stands.
    /// - Returns: The file.
    /// - Throws: ``RuleError`` about the parameter; ``RegistryError``.
    func inputFile(
        _ text: String,
        for purpose: FilePurpose,
        by principal: Principal,
        parameter: String
    ) async throws -> ManagedFile {
        let id: FileID
        switch fileIDs.read(text) {
        case .managed(let managed): id = managed
        case .raw: throw RuleError.rawFileID(at: parameter)
        case .unknown: throw RuleError.fileNotFound(text).about(parameter)
        }
        let file: ManagedFile
        do {
            file = try await registry.file(id, for: principal, action: .read, clientID: text)
        } catch let error as RuleError {
            throw error.about(parameter)
        }
        guard file.purpose == purpose else {
            throw RuleError(
                .invalidRequest,
                "The file \(text) was uploaded for purpose \(file.purpose.rawValue). Here a file of purpose "
                    + "\(purpose.rawValue) is wanted.",
                parameter: parameter
            )
        }
        return file
    }

    /// Chooses the deployment of a batch or a job: one that has every file that is named, or gets what it lacks.
    ///
    /// - Parameters:
    ///   - candidates: Where it may go, at least one deployment.
    ///   - modelName: What the client calls the model.
    ///   - references: The files.
    ///   - files: Their records, already checked for access.
    ///   - principal: Who asks.
    ///   - callID: For the plugins' log lines.
    /// - Returns: The deployment, and the files with what copies they have now.
    /// - Throws: ``RuleError`` about the path of the reference that is in the way; ``FanOutFailure`` of the provider that
    ///   does not give or take a file; what the registry and the spool throw.
    func place(
        among candidates: [Deployment],
        of modelName: String,
        holding references: [FileReference],
        _ files: [FileID: ManagedFile],
        for principal: Principal,
        callID: String
    ) async throws -> (deployment: Deployment, files: [FileID: ManagedFile]) {
        var generator = SystemRandomNumberGenerator()
        let choice = try DeploymentChoice(
            among: candidates,
            holding: references,
            files: files,
            modelName: modelName,
            now: clock.now(),
            means: plugins.current.copyMeans,
            using: &generator
        )
        if let deployment = choice.candidates.first { return (deployment, files) }
        guard let fill = choice.fills.first else { throw RuleError.noDeployment }
        guard fill.missing.count <= Self.mostFills else {
            throw RuleError(
                .invalidRequest,
                "\(fill.missing.count) files that the input names are not at a deployment of the model \(modelName). Upload "
                    + "them with target_model_names=\(modelName).",
                parameter: fill.missing[0].path
            )
        }
        var filled = files
        for reference in fill.missing {
            guard let file = files[reference.id] else { continue }
            try principal.checkMayCopy(
                file,
                clientID: reference.clientID,
                to: modelName,
                parameter: reference.path
            )
            filled[reference.id] = try await backFill.fill(file, at: fill.deployment, requestID: callID)
        }
        return (fill.deployment, filled)
    }
}
