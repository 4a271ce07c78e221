/// Which deployments of a model can serve a request: those that hold every file it names, else those to which the
/// missing files can be copied.
package struct DeploymentChoice: Sendable {
    /// A deployment that could serve the request if it had these files.
    package struct Fill: Sendable {
        package let deployment: Deployment
        package let missing: [FileReference]
    }

    /// What can be done with copies at the moment.
    package struct Means: Sendable {
        let takesFiles: @Sendable (Deployment) -> Bool
        let givesBack: @Sendable (DeploymentID, FilePurpose) -> Bool

        /// Says what deployments can do.
        ///
        /// - Parameters:
        ///   - takesFiles: Whether copies can be made at a deployment.
        ///   - givesBack: Whether a deployment gives back the content of files for a purpose.
        package init(
            takesFiles: @escaping @Sendable (Deployment) -> Bool,
            givesBack: @escaping @Sendable (DeploymentID, FilePurpose) -> Bool
        ) {
            self.takesFiles = takesFiles
            self.givesBack = givesBack
        }
    }

    /// In the order in which they should be tried; empty if no deployment holds every file.
    package let candidates: [Deployment]
    /// Instead of candidates: in the order in which they should be tried.
    package let fills: [Fill]

    /// Chooses among a model's deployments.
    ///
    /// - Parameters:
    ///   - deployments: Those the principal may use; at least one.
    ///   - references: The files that the request names.
    ///   - files: Their records, already checked for access.
    ///   - modelName: The model as the client called it, for the message.
    ///   - now: Copies that have expired by then do not count.
    ///   - means: What can be done with copies.
    ///   - generator: Orders the candidates by chance and weight.
    /// - Throws: ``RuleError`` with `.invalidRequest` if no deployment can serve the request.
    package init(
        among deployments: [Deployment],
        holding references: [FileReference],
        files: [FileID: ManagedFile],
        modelName: String,
        now: UnixTime,
        means: Means,
        using generator: inout some RandomNumberGenerator
    ) throws(RuleError) {
        let isHeld = { (reference: FileReference, deployment: Deployment) in
            files[reference.id]?.usableCopy(at: deployment.id, now: now) != nil
        }
        if deployments.count == 1, references.allSatisfy({ isHeld($0, deployments[0]) }) {
            candidates = deployments
            fills = []
            return
        }
        let order = deployments.count == 1 ? deployments : Self.shuffled(deployments, using: &generator)
        let wanted = order.map { deployment in
            let missing = references.filter { !isHeld($0, deployment) }
            return Fill(deployment: deployment, missing: missing)
        }
        candidates = wanted.filter(\.missing.isEmpty).map(\.deployment)
        guard candidates.isEmpty else {
            fills = []
            return
        }
        let isReadable = { (reference: FileReference) in
            files[reference.id]?.isReadable(now: now, means) ?? false
        }
        fills =
            wanted.filter { means.takesFiles($0.deployment) && $0.missing.allSatisfy(isReadable) }
            .map { ($0, $0.missing.reduce(0) { $0 + (files[$1.id]?.sizeInBytes ?? 0) }) }
            .sorted { $0.1 < $1.1 }.map(\.0)
        guard fills.isEmpty else { return }
        throw Self.refusal(wanted.flatMap(\.missing).first { !isReadable($0) }, references, modelName: modelName)
    }

    private static func refusal(
        _ unreadable: FileReference?,
        _ references: [FileReference],
        modelName: String
    ) -> RuleError {
        guard let unreadable else {
            return RuleError(
                .unsupported,
                "The model \(modelName) takes no files. Name a model that does.",
                parameter: references.first?.path ?? "messages"
            )
        }
        return RuleError(
            .invalidRequest,
            "The file \(unreadable.clientID) is not at a deployment of the model \(modelName), and no provider that has it "
                + "gives it back. Upload it again with target_model_names=\(modelName).",
            parameter: unreadable.path
        )
    }

    /// Each next candidate is drawn with a chance in proportion to its weight.
    private static func shuffled(
        _ deployments: [Deployment],
        using generator: inout some RandomNumberGenerator
    ) -> [Deployment] {
        var rest = deployments
        var order: [Deployment] = []
        while !rest.isEmpty {
            var ticket = Int.random(in: 0..<rest.reduce(0) { $0 + max($1.weight, 1) }, using: &generator)
            let drawn =
                rest.firstIndex { deployment in
                    ticket -= max(deployment.weight, 1)
                    return ticket < 0
                } ?? 0
            order.append(rest.remove(at: drawn))
        }
        return order
    }
}

extension ManagedFile {
    /// Whether a copy can be read back now.
    fileprivate func isReadable(now: UnixTime, _ means: DeploymentChoice.Means) -> Bool {
        copies.contains { means.givesBack($0.deployment, purpose) && usableCopy(at: $0.deployment, now: now) != nil }
    }
}
