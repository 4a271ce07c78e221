import HTTPTypes
import HostCore
import Hummingbird

/// The models that a key may use.
struct CatalogRoutes: Sendable {
    let services: GatewayServices

    func add(to table: inout RouteTable) {
        table.add(.get, ["/v1/models", "/models"]) { try list($0) }
        table.add(.get, ["/v1/models/**", "/models/**"]) { try retrieve($0) }
        table.add(.get, ["/v1/model/info", "/model/info"]) { try info($0) }
    }

    private func list(_ call: Call) throws -> Response {
        try .json(ModelList(data: services.models.modelNames(for: call.principal).map(Model.init)))
    }

    /// A model's name may have slashes in it, so it is the rest of the path.
    private func retrieve(_ call: Call) throws -> Response {
        let name = try PathPart.decoded(call.context.parameters.getCatchAll().joined(separator: "/"), name: "model")
        guard services.models.modelNames(for: call.principal).contains(name) else {
            throw GatewayError(
                .notFound,
                code: "model_not_found",
                parameter: "model",
                message: "There is no model named \(name) for this key. GET /v1/models lists what there is."
            )
        }
        return try .json(Model(name))
    }

    private func info(_ call: Call) throws -> Response {
        let names = Set(services.models.modelNames(for: call.principal))
        let deployments = services.models.deployments.filter { names.contains($0.modelName) }
        return try .json(ModelInfoList(data: deployments.map(ModelInfo.init)))
    }
}

private struct ModelList: Encodable {
    let object = "list"
    let data: [Model]
}

/// OpenAI's model object.
private struct Model: Encodable {
    private enum CodingKeys: String, CodingKey {
        case id
        case object
        case created
        case ownedBy = "owned_by"
    }

    let id: String
    let object = "model"
    /// OpenAI's schema wants a time; a configured model has none of its own.
    let created = 1_677_610_602
    let ownedBy = "gantry"

    init(_ id: String) { self.id = id }
}

private struct ModelInfoList: Encodable {
    let data: [ModelInfo]
}

/// LiteLLM's answer about one deployment; parameters other than the model stay inside.
private struct ModelInfo: Encodable {
    private enum CodingKeys: String, CodingKey {
        case modelName = "model_name"
        case parameters = "litellm_params"
        case info = "model_info"
    }

    private struct Parameters: Encodable {
        let model: String
    }

    private struct Info: Encodable {
        let id: String
    }

    private let modelName: String
    private let parameters: Parameters
    private let info: Info

    init(_ deployment: Deployment) {
        modelName = deployment.modelName
        parameters = Parameters(model: deployment.configuredModel)
        info = Info(id: deployment.id.description)
    }
}
