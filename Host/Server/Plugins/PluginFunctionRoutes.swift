import HTTPTypes
import HostCore
import HostFunctions
import HostPlugins
import Hummingbird

/// Functions of C libraries that manifests name, for administrators.
struct PluginFunctionRoutes: Sendable {
    private static let largestBody = 1 << 20

    let services: GatewayServices

    func add(to table: inout RouteTable) {
        table.add(.post, ["/plugins/{name}/functions/{function}"], access: .admin) { try await call($0) }
    }

    private func call(_ call: Call) async throws -> Response {
        let plugin = try call.parameter("name")
        let name = try call.parameter("function")
        guard let signature = services.plugins.signature(ofFunction: name, of: plugin) else {
            throw Self.missing(name, of: plugin)
        }
        let body = try await call.decoded(FunctionCallBody.self, limit: Self.largestBody)
        let arguments = try FunctionJSON.arguments(body.arguments, for: signature)
        do {
            guard let answer = try await services.plugins.call(name, of: plugin, arguments) else {
                throw Self.missing(name, of: plugin)
            }
            return try .json(FunctionCallAnswer(answer))
        } catch let error as FunctionCallError {
            throw Self.answer(for: error)
        }
    }

    private static func missing(_ name: String, of plugin: String) -> GatewayError {
        GatewayError(
            .notFound,
            code: "not_found",
            parameter: "function",
            message: "There is no function \(name) of a plugin \(plugin) that a deployment uses. "
                + "`functions:` of its manifest names what there is."
        )
    }

    private static func answer(for error: FunctionCallError) -> GatewayError {
        switch error.code {
        case .badArgument:
            GatewayError(
                .badRequest,
                parameter: error.argument.map { "arguments[\($0)]" } ?? "arguments",
                message: error.message
            )
        case .failed:
            GatewayError(.badGateway, type: "api_error", code: "function_failed", message: error.message)
        case .timedOut:
            GatewayError(.gatewayTimeout, type: "api_error", code: "function_timeout", message: error.message)
        case .busy:
            GatewayError(.serviceUnavailable, type: "api_error", code: "busy", message: error.message, retryAfter: 5)
        }
    }
}

/// `{"arguments": [...]}`.
private struct FunctionCallBody: StrictBody {
    static let memberNames: Set<String> = ["arguments"]

    let arguments: [ConfigurationValue]
}

/// `{"result": ...}`, with `outputs` if the function has any.
private struct FunctionCallAnswer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case result
        case outputs
    }

    private let result: FunctionJSON
    private let outputs: [FunctionJSON]?

    init(_ answer: FunctionAnswer) throws(GatewayError) {
        result =
            switch answer.value {
            case .null: .null
            case .integer(let number): .integer(number)
            case .text(let bytes): FunctionJSON(bytes)
            case .real(let number) where number.isFinite: .real(number)
            case .real(let number):
                throw GatewayError(
                    .badGateway,
                    type: "api_error",
                    code: "function_failed",
                    message: "The function gave \(number), for which JSON has no form."
                )
            }
        outputs = answer.outputs.isEmpty ? nil : answer.outputs.map { FunctionJSON($0) }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(result, forKey: .result)
        try container.encodeIfPresent(outputs, forKey: .outputs)
    }
}
