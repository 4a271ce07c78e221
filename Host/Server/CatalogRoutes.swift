import HTTPTypes
import HostCore
import HostRegistry
import Hummingbird
import Logging

/// The models that a key may use.
struct CatalogRoutes: Sendable {
    /// More of them can be used, but are not listed.
    private static let mostTunedModels = 1000

    let services: GatewayServices

    func add(to table: inout RouteTable) {
        table.add(.get, ["/v1/models", "/models"]) { try await list($0) }
        table.add(.get, ["/v1/models/**", "/models/**"]) { try await retrieve($0) }
        table.add(.get, ["/v1/model/info", "/model/info"]) { try info($0) }
    }

    /// The configured models, then those that were tuned for the caller.
    private func list(_ call: Call) async throws -> Response {
        let configured = services.models.modelNames(for: call.principal).map { Model($0) }
        let tuned = try await tunedModels(of: call.principal).map { Model($0.name, createdAt: $0.createdAt) }
        return try .json(ModelList(data: configured + tuned))
    }

    /// None while the database is away: the configured models can be used all the same.
    private func tunedModels(of principal: Principal) async throws(RegistryError) -> [TunedModel] {
        do {
            let tuned = try await services.registry.tunedModels(of: principal, limit: Self.mostTunedModels)
            return tuned.filter { !services.models.deployments(of: [$0], for: principal).isEmpty }
        } catch {
            guard error.code == .storeUnavailable else { throw error }
            services.logger.warning(
                "tuned models are left out of a list",
                metadata: ["error": "\(error.detailedMessage)"]
            )
            return []
        }
    }

    /// A model's name may have slashes in it, so it is the rest of the path.
    private func retrieve(_ call: Call) async throws -> Response {
        let name = try PathPart.decoded(call.context.parameters.getCatchAll().joined(separator: "/"), name: "model")
        if services.models.modelNames(for: call.principal).contains(name) { return try .json(Model(name)) }
        let tuned = try await services.registry.tunedModels(named: name).first {
            !services.models.deployments(of: [$0], for: call.principal).isEmpty
        }
        guard let tuned else {
            throw GatewayError(
                .notFound,
                code: "model_not_found",
                parameter: "model",
                message: "There is no model named \(name) for this key. GET /v1/models lists what there is."
            )
        }
        return try .json(Model(name, createdAt: tuned.createdAt))
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
    let created: Int64
    let ownedBy = "gantry"

    init(_ id: String, createdAt: UnixTime = UnixTime(secondsSince1970: 1_677_610_602)) {
        self.id = id
        created = createdAt.secondsSince1970
    }
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
