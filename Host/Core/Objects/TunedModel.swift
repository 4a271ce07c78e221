/// A model that a fine-tuning job of somebody has made, or one of its checkpoints.
///
/// It belongs to whom the job belongs to, and is used at the job's deployment.
package struct TunedModel: OwnedRecord, Hashable, Sendable {
    /// Longer texts are no names of models.
    package static let longestName = 512

    /// The provider's name for it, by which clients use it too.
    package let name: String
    package let owner: Owner
    package let teamID: TeamID?
    package let deployment: DeploymentID
    /// What the client called the model that it was made of.
    package let baseModelName: String
    /// When its job was made.
    package let createdAt: UnixTime

    /// Describes a model.
    package init(
        name: String,
        owner: Owner,
        teamID: TeamID?,
        deployment: DeploymentID,
        baseModelName: String,
        createdAt: UnixTime
    ) {
        self.name = name
        self.owner = owner
        self.teamID = teamID
        self.deployment = deployment
        self.baseModelName = baseModelName
        self.createdAt = createdAt
    }
}

extension ModelTable {
    /// Where a principal may use tuned models of one name: its own, its teams' and, for an admin, everybody's, of base
    /// models that its key was given.
    ///
    /// - Returns: The jobs' deployments with the tuned model for their own; none if there is nothing it may use.
    package func deployments(of models: [TunedModel], for principal: Principal) -> [Deployment] {
        var found: [Deployment] = []
        for model in models where principal.may(.delete, model) {
            guard let base = deployment(model.deployment),
                principal.models.allows(anyOf: model.name, model.baseModelName, base.modelName)
            else { continue }
            let tuned = base.serving(model.name)
            if !found.contains(tuned) { found.append(tuned) }
        }
        return found
    }
}

extension Deployment {
    /// The same deployment with another model of its provider's.
    fileprivate func serving(_ model: String) -> Deployment {
        Deployment(
            id: id,
            modelName: modelName,
            configuredModel: configuredModel,
            upstreamModel: model,
            plugin: plugin,
            weight: weight,
            timeout: timeout,
            maximumParallel: maximumParallel
        )
    }
}
