import FoundationEssentials
import HTTPTypes
import HostCore
import HostFunctions

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
