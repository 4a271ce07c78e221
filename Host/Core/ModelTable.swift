/// Every deployment, by the names a client can call it.
package struct ModelTable: Sendable {
    package let deployments: [Deployment]
    private let byID: [DeploymentID: Deployment]
    private let byModelName: [String: [Deployment]]
    private let byConfiguredModel: [String: [Deployment]]

    /// Makes the table; the configuration has made sure that ids are unique.
    package init(_ deployments: [Deployment]) {
        self.deployments = deployments
        byID = Dictionary(deployments.map { ($0.id, $0) }) { first, _ in first }
        byModelName = Dictionary(grouping: deployments, by: \.modelName)
        byConfiguredModel = Dictionary(grouping: deployments, by: \.configuredModel)
    }

    /// The deployment with this id.
    package func deployment(_ id: DeploymentID) -> Deployment? { byID[id] }

    /// Whether the configuration has this name for a model.
    package func isConfigured(_ name: String) -> Bool {
        byModelName[name] != nil || byID[DeploymentID(name)] != nil || byConfiguredModel[name] != nil
    }

    /// The model names this principal may use, each once, in the configuration's order.
    package func modelNames(for principal: Principal) -> [String] {
        var seen: Set<String> = []
        return deployments.map(\.modelName).filter { name in
            seen.insert(name).inserted && principal.models.allows(anyOf: name)
        }
    }

    /// The deployments that serve a model name for a request.
    ///
    /// - Throws: ``RuleError`` with `.keyModelAccessDenied` or `.modelNotFound`, parameter `model`.
    package func deployments(named name: String, for principal: Principal) throws(RuleError) -> [Deployment] {
        try resolve(name, for: principal, parameter: "model")
    }

    /// The deployments that a client's target names mean, each once, in the order first named.
    ///
    /// - Parameters:
    ///   - names: What the client wrote.
    ///   - principal: Who asks.
    ///   - tuned: The deployments of tuned models that the principal may use, by their names.
    /// - Returns: At least one deployment.
    /// - Throws: ``RuleError`` with `.keyModelAccessDenied`, `.modelNotFound` or, for an empty list,
    ///   `.invalidRequest`; the parameter is `target_model_names`.
    package func targets(
        named names: [String],
        for principal: Principal,
        tuned: [String: [Deployment]] = [:]
    ) throws(RuleError) -> [Deployment] {
        guard !names.isEmpty else {
            throw RuleError(
                .invalidRequest,
                "target_model_names is missing: name the models that this file is for, separated by commas.",
                parameter: "target_model_names"
            )
        }
        var seen: Set<DeploymentID> = []
        var targets: [Deployment] = []
        for name in names {
            var found = tuned[name] ?? []
            if found.isEmpty { found = try resolve(name, for: principal, parameter: "target_model_names") }
            for deployment in found {
                if seen.insert(deployment.id).inserted { targets.append(deployment) }
            }
        }
        return targets
    }

    // A name is a model name, else a deployment id, else an upstream model string. A key that was not given the name
    // is told so whether or not the name exists: names cannot be probed.
    private func resolve(
        _ name: String,
        for principal: Principal,
        parameter: String
    ) throws(RuleError) -> [Deployment] {
        let found = byModelName[name] ?? byID[DeploymentID(name)].map { [$0] } ?? byConfiguredModel[name] ?? []
        let allowed = found.filter { principal.models.allows(anyOf: name, $0.modelName) }
        if !allowed.isEmpty { return allowed }
        guard principal.models.allows(anyOf: name) else {
            throw RuleError(
                .keyModelAccessDenied,
                "This key may not use the model \(name). Ask for a key with this model.",
                parameter: "model"
            )
        }
        throw RuleError(
            .modelNotFound,
            "There is no model named \(name). GET /v1/models lists the models of this key.",
            parameter: parameter
        )
    }
}
