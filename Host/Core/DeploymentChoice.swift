/// Which deployments of a model can serve a request: those that hold every file it names, else those to which the
/// missing files can be copied.
package struct DeploymentChoice: Sendable {
    /// A deployment that could serve the request if it had these files.
    package struct Fill: Sendable {
        package let deployment: Deployment
        package let missing: [FileReference]
    }

    /// What can be done at the moment: with copies, and by which deployment rather than another.
    package struct Means: Sendable {
        let order: DeploymentOrder
        let takesFiles: @Sendable (Deployment) -> Bool
        let givesBack: @Sendable (DeploymentID, FilePurpose) -> Bool

        /// Says what deployments can do.
        ///
        /// - Parameters:
        ///   - order: Which are tried first.
        ///   - takesFiles: Whether copies can be made at a deployment.
        ///   - givesBack: Whether a deployment gives back the content of files for a purpose.
        package init(
            order: DeploymentOrder = DeploymentOrder(),
            takesFiles: @escaping @Sendable (Deployment) -> Bool,
            givesBack: @escaping @Sendable (DeploymentID, FilePurpose) -> Bool
        ) {
            self.order = order
            self.takesFiles = takesFiles
            self.givesBack = givesBack
        }
    }

    /// In the order in which they should be tried; empty if no deployment holds every file.
    ///
    /// One that rests after failures is among them only if all do: then it is the only one.
    package let candidates: [Deployment]
    /// Whether even the first of the candidates or fills rests, so that another model would be a better choice.
    package let isLastResort: Bool
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
    ///   - means: What can be done.
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
            files[reference.id]?.hasUsableCopy(at: deployment.id, now: now) ?? false
        }
        let isResting = { (deployment: Deployment) in means.order.standing(of: deployment).rest != nil }
        if deployments.count == 1, references.allSatisfy({ isHeld($0, deployments[0]) }) {
            (candidates, fills) = (deployments, [])
            isLastResort = isResting(deployments[0])
            return
        }
        let wanted = means.order.sorted(deployments, using: &generator).map { deployment in
            Fill(deployment: deployment, missing: references.filter { !isHeld($0, deployment) })
        }
        let holders = wanted.filter(\.missing.isEmpty).map(\.deployment)
        guard holders.isEmpty else {
            let rested = holders.filter { !isResting($0) }
            // A rest sends requests elsewhere; where there is no elsewhere it would only make failures certain.
            candidates = rested.isEmpty ? Array(holders.prefix(1)) : rested
            isLastResort = rested.isEmpty
            fills = []
            return
        }
        candidates = []
        let isReadable = { (reference: FileReference) in
            files[reference.id]?.isReadable(now: now, means) ?? false
        }
        let possible = wanted.filter { means.takesFiles($0.deployment) && $0.missing.allSatisfy(isReadable) }
        let bytes = { (fill: Fill) in fill.missing.reduce(0) { $0 + (files[$1.id]?.sizeInBytes ?? 0) } }
        let ranked = possible.map { (fill: $0, rank: (isResting($0.deployment) ? 1 : 0, bytes($0))) }
        fills = ranked.sorted { $0.rank < $1.rank }.map(\.fill)
        isLastResort = ranked.isEmpty ? false : ranked.allSatisfy { $0.rank.0 == 1 }
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
}

extension ManagedFile {
    /// Whether a copy can be read back now.
    fileprivate func isReadable(now: UnixTime, _ means: DeploymentChoice.Means) -> Bool {
        copies.contains { means.givesBack($0.deployment, purpose) && hasUsableCopy(at: $0.deployment, now: now) }
    }
}
