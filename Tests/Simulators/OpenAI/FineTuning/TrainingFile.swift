import NIOCore

/// Reads the examples that a job learns from.
struct TrainingFile {
    private static let fewestExamples = 10

    /// Tokens of all examples.
    private(set) var tokens = 0
    private(set) var examples = 0

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - file: The file, nil if it is gone.
    ///   - blobs: Where its bytes are.
    ///   - method: "supervised", "dpo" or "reinforcement".
    ///   - isTraining: Whether it needs as many examples as OpenAI wants of a training file: ten.
    /// - Throws: ``OpenAIError`` with the line of what is wrong.
    init(_ file: OpenAIFile?, in blobs: BlobStore, method: String, isTraining: Bool) throws {
        guard let file else { throw Self.refusal("The file no longer exists.") }
        var lines = try BlobLines(file.blob, in: blobs)
        var number = 0
        while let line = try lines.next() {
            number += 1
            guard !line.isBlank else { continue }
            examples += 1
            do {
                try Self.check(try JSONParser.parse(line.readableBytesView), method: method, line: number)
            } catch let error as JSONParserError {
                throw Self.refusal("Line \(number) is not valid JSON: \(error.message).")
            } catch let error as ShapeError {
                throw Self.refusal("Line \(number): \(OpenAIError(error).message)")
            }
            tokens += (line.readableBytes + 3) / 4
        }
        guard examples >= (isTraining ? Self.fewestExamples : 1) else {
            throw Self.refusal(
                "The file has \(examples) example(s), but must have at least \(isTraining ? Self.fewestExamples : 1)."
            )
        }
    }

    private static func check(_ json: JSON, method: String, line: Int) throws {
        let example = try ShapeReader(acceptsSnakeCase: false).read(json, as: shape(of: method))
        guard method == "supervised" else { return }
        guard example["messages"]?.array?.last?["role"]?.string == "assistant" else {
            throw refusal("Line \(line): the last message must be from the assistant.")
        }
    }

    private static func refusal(_ message: String) -> OpenAIError {
        OpenAIError.invalid(message, code: "invalid_file_format")
    }

    private static func shape(of method: String) -> Shape {
        switch method {
        case "dpo":
            .record(
                [
                    "input": .record(
                        [
                            "messages": .list(ChatShape.message), "tools": .list(ChatShape.tool),
                            "parallel_tool_calls": .bool,
                        ],
                        required: ["messages"]
                    ),
                    "preferred_output": .list(ChatShape.message), "non_preferred_output": .list(ChatShape.message),
                ],
                required: ["input", "preferred_output", "non_preferred_output"]
            )
        // What else stands in a line is the grader's.
        case "reinforcement": .map(.any)
        default:
            .record(
                [
                    "messages": .list(ChatShape.weightedMessage), "tools": .list(ChatShape.tool),
                    "parallel_tool_calls": .bool, "functions": .list(.map(.any)),
                ],
                required: ["messages"]
            )
        }
    }
}
