/// What `POST /v1/fine_tuning/jobs` was sent.
///
/// Source: OpenAI's OpenAPI description 2.3.0, `CreateFineTuningJobRequest`, read 2026-11-22.
struct FineTuningRequest {
    private static let longestSuffix = 64
    private static let mostIntegrations = 5
    private static let seeds = 0...2_147_483_647
    private static let ranges: [(name: String, range: ClosedRange<Double>)] = [
        ("batch_size", 1...256), ("n_epochs", 1...50), ("beta", 0...2), ("compute_multiplier", 0.00001...10),
        ("learning_rate_multiplier", 0...1_000_000), ("eval_interval", 1...1_000_000), ("eval_samples", 1...1_000_000),
    ]

    let json: JSON
    /// "supervised", "dpo" or "reinforcement".
    let method: String
    /// What was asked for, each at its default where nothing was.
    let hyperparameters: JSON

    init(_ json: JSON) throws {
        self.json = try ShapeReader(acceptsSnakeCase: false).read(json, as: Self.shape)
        method = self.json["method"]?["type"]?.string ?? "supervised"
        let path = self.json["method"] == nil ? "hyperparameters" : "method.\(method).hyperparameters"
        let given = self.json["method"]?[method]?["hyperparameters"] ?? self.json["hyperparameters"]
        hyperparameters = Self.filled(given)
        try Self.check(given, at: path)
        try OpenAIMetadata.check(self.json["metadata"])
        if let suffix = self.json["suffix"]?.string, !(1...Self.longestSuffix).contains(suffix.count) {
            let message = "Invalid 'suffix': expected a string of 1 to \(Self.longestSuffix) characters."
            throw OpenAIError.invalid(message, param: "suffix", code: "invalid_value")
        }
        if let seed = self.json["seed"]?.integer, !Self.seeds.contains(seed) {
            let message = "Invalid 'seed': expected an integer between 0 and \(Self.seeds.upperBound)."
            throw OpenAIError.invalid(message, param: "seed", code: "invalid_value")
        }
        if self.json["integrations"]?.array?.count ?? 0 > Self.mostIntegrations {
            let message = "Invalid 'integrations': array too long. Expected at most \(Self.mostIntegrations)."
            throw OpenAIError.invalid(message, param: "integrations", code: "array_above_max_length")
        }
        for member in self.json["method"]?.object?.keys ?? [] where !["type", method].contains(member) {
            throw OpenAIError(ShapeError(reason: .unknownMember(member), path: "method"))
        }
    }

    private static func filled(_ given: JSON?) -> JSON {
        var object = given?.object ?? JSONObject()
        for name in ["batch_size", "learning_rate_multiplier", "n_epochs"] where object[name] == nil {
            object[name] = "auto"
        }
        return .object(object)
    }

    private static func check(_ hyperparameters: JSON?, at path: String) throws {
        for member in hyperparameters?.object?.members ?? [] {
            let place = "\(path).\(member.key)"
            if let word = member.value.string, member.key != "reasoning_effort", word != "auto" {
                throw OpenAIError(ShapeError(reason: .wrongChoice(expected: ["auto"], value: word), path: place))
            }
            guard let value = member.value.number,
                let range = ranges.first(where: { $0.name == member.key })?.range, !range.contains(value)
            else { continue }
            let message = "Invalid '\(place)': expected a value from \(range.lowerBound) to \(range.upperBound)."
            throw OpenAIError.invalid(message, param: place, code: "invalid_value")
        }
    }

    private static let count = Shape.either([.integer, .string])
    private static let factor = Shape.either([.number, .string])

    private static func hyperparameters(_ more: [String: Shape] = [:]) -> Shape {
        let usual = ["batch_size": count, "learning_rate_multiplier": factor, "n_epochs": count]
        return .record(usual.merging(more) { $1 })
    }

    private static let methods = Shape.record(
        [
            "type": .choice(["supervised", "dpo", "reinforcement"]),
            "supervised": .record(["hyperparameters": hyperparameters()]),
            "dpo": .record(["hyperparameters": hyperparameters(["beta": factor])]),
            "reinforcement": .record(
                [
                    "grader": .map(.any),
                    "hyperparameters": hyperparameters([
                        "reasoning_effort": .choice(["default", "low", "medium", "high"]),
                        "compute_multiplier": factor, "eval_interval": count, "eval_samples": count,
                    ]),
                ],
                required: ["grader"]
            ),
        ],
        required: ["type"]
    )

    private static let integration = Shape.record(
        [
            "type": .choice(["wandb"]),
            "wandb": .record(
                ["project": .string, "name": .string, "entity": .string, "tags": .list(.string)],
                required: ["project"]
            ),
        ],
        required: ["type", "wandb"]
    )

    private static let shape = Shape.record(
        [
            "model": .string, "training_file": .string, "validation_file": .string, "suffix": .string,
            "seed": .integer, "method": methods, "hyperparameters": hyperparameters(),
            "integrations": .list(integration), "metadata": .map(.string),
        ],
        required: ["model", "training_file"]
    )
}
