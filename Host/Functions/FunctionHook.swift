import CGantryPlugin

/// A place in an adapter at which a function can be bound; the raw values are those of `GANTRY_HOOK_*`.
package enum FunctionHook: UInt32, Sendable, CaseIterable {
    case sign = 1
    case fileReference = 2
    case modelName = 3
    case requestBody = 4
    case responseBody = 5
    case streamChunk = 6
    case countTokens = 7

    /// What a hook gives its function.
    enum Input: Sendable {
        case text
        case bytes
        case number
    }

    /// What a hook wants of its function.
    enum Output: Sendable {
        case text
        case bytes
        case count
    }

    /// The hook of that name.
    package init?(named name: String) {
        guard let hook = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = hook
    }

    /// The name in a manifest.
    package var name: String {
        switch self {
        case .sign: "sign"
        case .fileReference: "file_ref"
        case .modelName: "model_name"
        case .requestBody: "request_body"
        case .responseBody: "response_body"
        case .streamChunk: "stream_chunk"
        case .countTokens: "count_tokens"
        }
    }

    /// The inputs with their names, as gantry_functions.h lists them.
    var inputs: [(name: String, kind: Input)] {
        switch self {
        case .sign: [("method", .text), ("url", .text), ("body", .bytes), ("time", .number)]
        case .fileReference: [("id", .text), ("media_type", .text), ("filename", .text)]
        case .modelName: [("model", .text), ("operation", .text)]
        case .requestBody, .responseBody: [("body", .bytes), ("operation", .text)]
        case .streamChunk: [("data", .bytes), ("event", .text), ("operation", .text)]
        case .countTokens: [("body", .bytes), ("model", .text)]
        }
    }

    var output: Output {
        switch self {
        case .sign, .fileReference, .modelName: .text
        case .requestBody, .responseBody, .streamChunk: .bytes
        case .countTokens: .count
        }
    }

    /// Refuses a signature that makes no sense for this hook.
    ///
    /// - Parameter signature: What the manifest says of the function.
    /// - Throws: ``FunctionSignatureError`` for the first part that does not fit, with its position.
    package func check(_ signature: FunctionSignature) throws(FunctionSignatureError) {
        var inputs = inputs[...]
        var outputs = 0
        for (argument, position) in zip(signature.arguments, signature.positions) {
            if argument == .out {
                outputs += 1
                guard output != .count, outputs == 1 else {
                    let most = output == .count ? "no" : "one"
                    throw FunctionSignatureError(position, "\(name) has \(most) out.")
                }
                continue
            }
            guard let input = inputs.popFirst() else {
                let names = self.inputs.map(\.name).joined(separator: ", ")
                throw FunctionSignatureError(position, "\(name) gives no more inputs than \(names).")
            }
            let fitting: [FunctionSignature.Argument] = input.kind == .number ? [.i64] : [.cstr, .bytes]
            guard fitting.contains(argument) else {
                let words = fitting.map(\.rawValue).joined(separator: " or ")
                throw FunctionSignatureError(position, "\(input.name) of \(name) is taken as \(words).")
            }
        }
        try checkResult(signature, hasOutput: outputs == 1)
    }

    private func checkResult(_ signature: FunctionSignature, hasOutput: Bool) throws(FunctionSignatureError) {
        switch (signature.result, output) {
        case (.i64, .count), (.i32, .count): return
        case (_, .count): throw FunctionSignatureError(1, "the result of \(name) is i64 or i32.")
        case (.cstr, _), (.owned, _):
            guard !hasOutput else {
                throw FunctionSignatureError(1, "\(name) has one result: this one or out. Leave out the other.")
            }
        case (.status, _), (.i32, _), (.void, _):
            guard hasOutput else {
                throw FunctionSignatureError(
                    1,
                    "\(name) needs an out for its result with \(signature.result), or cstr or owned:FREE for it."
                )
            }
        case (.i64, _), (.f64, _):
            throw FunctionSignatureError(
                1,
                "the result of \(name) is cstr or owned:FREE, or status, i32 or void with an out."
            )
        }
    }
}
