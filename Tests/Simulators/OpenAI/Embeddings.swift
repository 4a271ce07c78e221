import Crypto
import Foundation

/// Answers `POST /v1/embeddings`.
enum Embeddings {
    private static let dimensions = 1536
    private static let inputLimit = 2048

    private static let shape = Shape.record(
        [
            "model": .string, "dimensions": .integer, "encoding_format": .choice(["float", "base64"]), "user": .string,
            "input": .either([.string, .list(.either([.string, .integer, .list(.integer)]))]),
        ],
        required: ["input", "model"]
    )

    static func reply(to json: JSON, account: OpenAIAccount) throws -> Reply {
        let request = try ShapeReader(acceptsSnakeCase: false).read(json, as: shape)
        let model = try account.model(request["model"]?.string ?? "")
        guard model.kind == .embedding else {
            throw OpenAIError(status: 403, message: "You are not allowed to generate embeddings from this model")
        }
        let count = request["dimensions"]?.integer ?? dimensions
        guard (1...dimensions).contains(count) else {
            let message = "Invalid value for 'dimensions' = \(count). Must be less than or equal to \(dimensions)."
            throw OpenAIError.invalid(message, param: "dimensions")
        }
        let inputs = try inputs(of: request["input"] ?? .null)
        let isBase64 = request["encoding_format"]?.string == "base64"
        let data = inputs.enumerated().map { index, input -> JSON in
            let vector = vector(of: input, count: count)
            let embedding = isBase64 ? JSON.string(base64(vector)) : .array(vector.map { .number(Double($0)) })
            return ["object": "embedding", "index": .integer(index), "embedding": embedding]
        }
        let tokens = JSON.integer(inputs.reduce(0) { $0 + max(1, Tokens.count(of: $1)) })
        return .json([
            "object": "list", "data": .array(data), "model": .string(model.snapshot),
            "usage": ["prompt_tokens": tokens, "total_tokens": tokens],
        ])
    }

    /// The texts to embed; token numbers count as their text.
    private static func inputs(of input: JSON) throws -> [String] {
        let inputs: [String] =
            switch input {
            case .string(let text): [text]
            case .array(let values) where values.contains { $0.integer != nil }: [input.text]
            case .array(let values): values.map { $0.string ?? $0.text }
            default: []
            }
        guard !inputs.isEmpty, inputs.count <= inputLimit, !inputs.contains("") else {
            throw OpenAIError.invalid(
                "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
            )
        }
        return inputs
    }

    /// A vector of length 1 that depends on the text alone.
    private static func vector(of text: String, count: Int) -> [Float] {
        var values: [Float] = []
        var block = 0
        while values.count < count {
            let digest = Array(SHA256.hash(data: Data("\(block):\(text)".utf8)))
            for place in stride(from: 0, to: digest.count, by: 2) {
                values.append(Float(Int(digest[place]) << 8 | Int(digest[place + 1])) / 32_768 - 1)
            }
            block += 1
        }
        values.removeLast(values.count - count)
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? values.map { $0 / length } : values
    }

    private static func base64(_ vector: [Float]) -> String {
        Data(vector.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } })
            .base64EncodedString()
    }
}
