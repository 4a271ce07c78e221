/// Which deployments of a model can serve a request: those that hold every file it names.
package struct DeploymentChoice: Sendable {
    /// In the order in which they should be tried.
    package let candidates: [Deployment]

    /// Chooses among a model's deployments.
    ///
    /// - Parameters:
    ///   - deployments: Those the principal may use; at least one.
    ///   - references: The files that the request names.
    ///   - files: Their records, already checked for access.
    ///   - modelName: The model as the client called it, for the message.
    ///   - now: Copies that have expired by then do not count.
    ///   - generator: Orders the candidates by chance and weight.
    /// - Throws: ``RuleError`` with `.invalidRequest` if no deployment holds every file.
    package init(
        among deployments: [Deployment],
        holding references: [FileReference],
        files: [FileID: ManagedFile],
        modelName: String,
        now: UnixTime,
        using generator: inout some RandomNumberGenerator
    ) throws(RuleError) {
        let able = deployments.filter { deployment in
            references.allSatisfy { files[$0.id]?.usableCopy(at: deployment.id, now: now) != nil }
        }
        guard !able.isEmpty else {
            let missing = references.first { reference in
                !deployments.contains { files[reference.id]?.usableCopy(at: $0.id, now: now) != nil }
            }
            throw Self.refusal(missing, modelName: modelName)
        }
        candidates = able.count == 1 ? able : Self.shuffled(able, using: &generator)
    }

    private static func refusal(_ missing: FileReference?, modelName: String) -> RuleError {
        guard let missing else {
            return RuleError(
                .invalidRequest,
                "No deployment of \(modelName) holds all of these files. Upload them again with "
                    + "target_model_names=\(modelName).",
                parameter: "messages"
            )
        }
        return RuleError(
            .invalidRequest,
            "The file \(missing.clientID) was not uploaded for the model \(modelName). Upload it with "
                + "target_model_names=\(modelName).",
            parameter: missing.path
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
