import HostCore
import HostPlugins
import HostRegistry
import HostTransfer

/// A job whose files have passed every rule, and where it goes.
struct PreparedJob: Sendable {
    /// A file that the job learns from.
    struct Input: Sendable {
        let file: ManagedFile
        /// The provider's id of its copy; nil where the plugin writes its own form of the content.
        let copy: String?
        /// What is in the file; nil where the copy is used as it is.
        let content: SpooledFile?
    }

    let deployment: Deployment
    let training: Input
    let validation: Input?
}

/// Finds the files and the deployment of a job; nothing but copies of files is created meanwhile.
struct JobPreparation: Sendable {
    let services: GatewayServices
    let callID: String

    /// Prepares a job.
    ///
    /// - Throws: ``RuleError`` that names the member; ``FanOutFailure`` of a provider that does not give or take a file;
    ///   what the registry and the spool throw.
    func prepare(_ body: NewJobBody, for principal: Principal) async throws -> PreparedJob {
        // Ownership comes first: whose a file is does not depend on the model that it is wanted for.
        var references: [FileReference] = []
        var files: [FileID: ManagedFile] = [:]
        let named: [(text: String?, parameter: String)] = [
            (body.trainingFile, "training_file"), (body.validationFile, "validation_file"),
        ]
        for (text, parameter) in named {
            guard let text else { continue }
            let file = try await services.inputFile(text, for: .fineTune, by: principal, parameter: parameter)
            files[file.id] = file
            references.append(FileReference(range: 0..<0, id: file.id, clientID: text, path: parameter))
        }
        let served = try await servedDeployments(of: body.model, for: principal)
        let writers = served.filter(services.writesItsOwnInput)
        let place: (deployment: Deployment, files: [FileID: ManagedFile])
        if let writer = self.writer(among: writers, served, references, files) {
            // It gets the content itself: a copy as the client uploaded it would be of no use there.
            for reference in references {
                guard let file = files[reference.id] else { continue }
                try principal.checkMayCopy(
                    file,
                    clientID: reference.clientID,
                    to: body.model,
                    parameter: reference.path
                )
            }
            place = (writer, files)
        } else {
            let takers = served.filter { !services.writesItsOwnInput($0) }
            place = try await services.place(
                among: takers,
                of: body.model,
                holding: references,
                files,
                for: principal,
                callID: callID
            )
        }
        return PreparedJob(
            deployment: place.deployment,
            training: try await input(references[0], place),
            validation: references.count > 1 ? try await input(references[1], place) : nil
        )
    }

    private func servedDeployments(of model: String, for principal: Principal) async throws -> [Deployment] {
        let found = try await services.deployments(named: model, for: principal)
        guard services.models.isConfigured(model) else {
            throw RuleError(
                .unsupported,
                "\(model) is a fine-tuned model, and cannot be tuned further here. Name the model that it was made of.",
                parameter: "model"
            )
        }
        let served = found.filter { deployment in
            guard let target = services.plugins.target(deployment.id) else { return false }
            return target.serves(.tuneCreate) && target.serves(.tuneGet)
        }
        guard !served.isEmpty else {
            throw RuleError(
                .unsupported,
                "The model \(model) cannot be fine-tuned. Name a model that can.",
                parameter: "model"
            )
        }
        return served
    }

    /// A deployment that writes its own form of the files, if that is where they are, or if there is no other.
    private func writer(
        among writers: [Deployment],
        _ served: [Deployment],
        _ references: [FileReference],
        _ files: [FileID: ManagedFile]
    ) -> Deployment? {
        guard !writers.isEmpty else { return nil }
        let now = services.clock.now()
        let holds = { (deployment: Deployment) in
            references.allSatisfy { files[$0.id]?.hasUsableCopy(at: deployment.id, now: now) ?? false }
        }
        let takers = served.filter { !writers.contains($0) }
        guard takers.isEmpty || !takers.contains(where: holds) && writers.contains(where: holds) else { return nil }
        let holders = writers.filter(holds)
        var generator = SystemRandomNumberGenerator()
        return services.plugins.current.deploymentOrder.sorted(holders.isEmpty ? writers : holders, using: &generator)
            .first
    }

    private func input(
        _ reference: FileReference,
        _ place: (deployment: Deployment, files: [FileID: ManagedFile])
    ) async throws -> PreparedJob.Input {
        guard let file = place.files[reference.id] else {
            throw RuleError.fileNotFound(reference.clientID).about(reference.path)
        }
        guard !services.writesItsOwnInput(place.deployment) else {
            let content = try await services.backFill.content(
                of: file,
                wantedAt: place.deployment,
                requestID: callID
            )
            return PreparedJob.Input(file: file, copy: nil, content: content)
        }
        guard let copy = file.usableCopy(at: place.deployment.id, now: services.clock.now())?.providerID else {
            // It expired between the choice and now.
            throw RuleError.fileNotFound(reference.clientID).about(reference.path)
        }
        return PreparedJob.Input(file: file, copy: copy, content: nil)
    }
}
