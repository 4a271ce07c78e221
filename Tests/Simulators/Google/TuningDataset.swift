/// Checks the examples that a model is to be tuned with.
struct TuningDataset {
    private static let shape = Shape.record(
        [
            "systemInstruction": content, "contents": .list(content),
            "tools": .list(.record(["functionDeclarations": .list(.map(.any))])),
        ],
        required: ["contents"]
    )

    private static let content = Shape.record(
        [
            "role": .string,
            "parts": .list(
                .record([
                    "text": .string, "fileData": .record(["mimeType": .string, "fileUri": .string]),
                    "inlineData": .record(["mimeType": .string, "data": .string]),
                    "functionCall": .record(["name": .string, "args": .map(.any)]),
                    "functionResponse": .record(["name": .string, "response": .map(.any)]),
                ])
            ),
        ],
        required: ["parts"]
    )

    let storage: CloudStorage
    let account: String

    /// Checks the data sets of a supervised tuning.
    ///
    /// - Returns: The number of examples for training.
    /// - Throws: ``VertexJob/Problem`` that names the row.
    func check(_ specification: JSON?) throws -> Int {
        let validation = specification?["validationDatasetUri"]?.string
        if let validation { _ = try check(uri: validation) }
        return try check(uri: specification?["trainingDatasetUri"]?.string ?? "")
    }

    private func check(uri: String) throws -> Int {
        var count = 0
        try StoredLines(uri: uri, account: account, storage: storage).read { number, line in
            count += 1
            do {
                try Self.check(try ShapeReader(acceptsSnakeCase: false).read(line, as: Self.shape))
            } catch let error as ShapeError {
                throw Self.problem(GoogleError.shape(error, form: .rpc).message, uri, number)
            } catch let error as GoogleError {
                throw Self.problem(error.message, uri, number)
            }
        }
        guard count > 0 else { throw VertexJob.Problem(code: 3, message: "The dataset \(uri) is empty.") }
        return count
    }

    private static func check(_ example: JSON) throws {
        let contents = example["contents"]?.array ?? []
        guard let last = contents.last, last["role"]?.string == "model" else {
            throw GoogleError.invalid("The last content must have the role model.")
        }
        for (index, content) in contents.enumerated() {
            guard content["role"]?.string == (index.isMultiple(of: 2) ? "user" : "model") else {
                throw GoogleError.invalid("The roles must alternate between user and model, and user comes first.")
            }
            guard content["parts"]?.array?.isEmpty == false else {
                throw GoogleError.invalid("A content has no parts.")
            }
        }
        if let instruction = example["systemInstruction"] {
            let parts = instruction["parts"]?.array ?? []
            guard !parts.isEmpty, parts.allSatisfy({ $0["text"] != nil }) else {
                throw GoogleError.invalid("System instruction only supports text parts.")
            }
        }
    }

    private static func problem(_ message: String, _ uri: String, _ number: Int) -> VertexJob.Problem {
        VertexJob.Problem(code: 3, message: "Row \(number) of \(uri) is invalid: \(message)")
    }
}
