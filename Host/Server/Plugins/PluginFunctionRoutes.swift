import FoundationEssentials
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

/// How values of functions stand in JSON: bytes are a text, or `{"base64": ...}` if they are not UTF-8.
enum FunctionJSON: Encodable, Equatable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case base64(String)

    private enum CodingKeys: String, CodingKey {
        case base64
    }

    init(_ bytes: [UInt8]) {
        self = String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .base64(Data(bytes).base64EncodedString())
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .integer(let number): try container.encode(number)
        case .real(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        case .base64(let text):
            var members = encoder.container(keyedBy: CodingKeys.self)
            try members.encode(text, forKey: .base64)
        }
    }

    /// The arguments of a call.
    ///
    /// - Parameters:
    ///   - values: What the client sent.
    ///   - signature: The function's.
    /// - Returns: One for each argument but `out`.
    /// - Throws: ``GatewayError`` with 400 that names the argument.
    static func arguments(
        _ values: [ConfigurationValue],
        for signature: FunctionSignature
    ) throws(GatewayError) -> [FunctionArgument] {
        let inputs = signature.inputs
        guard values.count == inputs.count else {
            throw GatewayError(
                .badRequest,
                parameter: "arguments",
                message: "The function is \(signature): it takes \(inputs.count) arguments, not \(values.count)."
            )
        }
        var arguments: [FunctionArgument] = []
        for (index, input) in inputs.enumerated() {
            guard let argument = argument(values[index], as: input) else {
                throw GatewayError(
                    .badRequest,
                    parameter: "arguments[\(index)]",
                    message: "arguments[\(index)] must be \(wanted(input)): the function is \(signature)."
                )
            }
            arguments.append(argument)
        }
        return arguments
    }

    private static func argument(
        _ value: ConfigurationValue,
        as input: FunctionSignature.Argument
    ) -> FunctionArgument? {
        switch (input, value) {
        case (.i64, .integer(let number)): .integer(number)
        case (.i32, .integer(let number)): Int32(exactly: number).map { .integer(Int64($0)) }
        case (.f64, .integer(let number)): .real(Double(number))
        case (.f64, .double(let number)): .real(number)
        case (.cstr, .string(let text)): text.utf8.contains(0) ? nil : .bytes(Array(text.utf8))
        case (.bytes, .string(let text)): .bytes(Array(text.utf8))
        case (.bytes, .map(let members)):
            if members.count == 1, case .string(let text) = members["base64"] {
                Data(base64Encoded: text).map { .bytes(Array($0)) }
            } else {
                nil
            }
        default: nil
        }
    }

    private static func wanted(_ input: FunctionSignature.Argument) -> String {
        switch input {
        case .i32: "a whole number of 32 bits"
        case .i64: "a whole number of 64 bits"
        case .f64: "a number"
        case .cstr: "a text without NUL"
        case .bytes: "a text, or {\"base64\": ...} for bytes that are none"
        case .out: "left out"
        }
    }
}
