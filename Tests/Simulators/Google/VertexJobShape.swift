/// What the bodies that create jobs look like.
///
/// Source: https://aiplatform.googleapis.com/$discovery/rest?version=v1, `GoogleCloudAiplatformV1BatchPredictionJob` and
/// `GoogleCloudAiplatformV1TuningJob`, read 2026-11-23.
enum VertexJobShape {
    private static let batch = Shape.record(
        [
            "displayName": .string, "model": .string, "labels": .map(.string),
            "inputConfig": .record(
                ["instancesFormat": .string, "gcsSource": .record(["uris": .list(.string)], required: ["uris"])],
                required: ["instancesFormat", "gcsSource"]
            ),
            "outputConfig": .record(
                [
                    "predictionsFormat": .string,
                    "gcsDestination": .record(["outputUriPrefix": .string], required: ["outputUriPrefix"]),
                ],
                required: ["predictionsFormat", "gcsDestination"]
            ),
        ],
        required: ["displayName", "model", "inputConfig", "outputConfig"]
    )

    private static let tuning = Shape.record(
        [
            "baseModel": .string, "tunedModelDisplayName": .string, "description": .string, "labels": .map(.string),
            "supervisedTuningSpec": .record(
                [
                    "trainingDatasetUri": .string, "validationDatasetUri": .string,
                    "exportLastCheckpointOnly": .bool,
                    "hyperParameters": .record([
                        "epochCount": .either([.integer, .string]), "learningRateMultiplier": .number,
                        "adapterSize": .choice([
                            "ADAPTER_SIZE_ONE", "ADAPTER_SIZE_TWO", "ADAPTER_SIZE_FOUR", "ADAPTER_SIZE_EIGHT",
                            "ADAPTER_SIZE_SIXTEEN", "ADAPTER_SIZE_THIRTY_TWO",
                        ]),
                    ]),
                ],
                required: ["trainingDatasetUri"]
            ),
        ],
        required: ["baseModel", "supervisedTuningSpec"]
    )

    /// Checks the body of a new batch prediction job.
    static func batch(_ body: JSON, grant: AccessGrant, location: String) throws -> JSON {
        let body = try ShapeReader(acceptsSnakeCase: true).read(body, as: batch)
        try checkDisplayName(body["displayName"]?.string ?? "")
        try VertexLabels.check(body["labels"])
        let (input, output) = (body["inputConfig"], body["outputConfig"])
        guard input?["instancesFormat"]?.string == "jsonl", output?["predictionsFormat"]?.string == "jsonl" else {
            throw GoogleError.invalid(
                "Unsupported instances or predictions format: only jsonl goes with Cloud Storage."
            )
        }
        let uris = input?["gcsSource"]?["uris"]?.array?.compactMap(\.string) ?? []
        guard !uris.isEmpty else { throw GoogleError.invalid("The input config has no uris.") }
        for uri in uris { try checkURI(uri) }
        try checkURI((output?["gcsDestination"]?["outputUriPrefix"]?.string ?? "") + "/x")
        let model = body["model"]?.string ?? ""
        guard model.hasPrefix("publishers/google/models/"), GeminiModel.named(model.lastSegment) != nil else {
            throw GoogleError.rpc(404, "NOT_FOUND", "The model \(model) does not support batch prediction here.")
        }
        return body
    }

    /// Checks the body of a new tuning job.
    static func tuning(_ body: JSON) throws -> JSON {
        let body = try ShapeReader(acceptsSnakeCase: true).read(body, as: tuning)
        try VertexLabels.check(body["labels"])
        if let name = body["tunedModelDisplayName"]?.string { try checkDisplayName(name) }
        let specification = body["supervisedTuningSpec"]
        for name in ["trainingDatasetUri", "validationDatasetUri"] {
            if let uri = specification?[name]?.string { try checkURI(uri) }
        }
        let hyperparameters = specification?["hyperParameters"]
        if let count = hyperparameters?["epochCount"] {
            guard let value = count.integer ?? count.string.flatMap({ Int($0) }), (1...100).contains(value) else {
                throw GoogleError.invalid("The epoch count must be 1 to 100.")
            }
        }
        if let multiplier = hyperparameters?["learningRateMultiplier"]?.number, !(0.001...10).contains(multiplier) {
            throw GoogleError.invalid("The learning rate multiplier must be 0.001 to 10.")
        }
        let model = body["baseModel"]?.string ?? ""
        guard GeminiModel.named(model) != nil else {
            throw GoogleError.invalid("Base model \(model) is not supported for tuning.")
        }
        return body
    }

    private static func checkDisplayName(_ name: String) throws {
        guard (1...128).contains(name.count) else {
            throw GoogleError.invalid("The display name must have 1 to 128 characters.")
        }
    }

    private static func checkURI(_ uri: String) throws {
        guard uri.wholeMatch(of: /gs:\/\/[^\/]+\/.+/) != nil else {
            throw GoogleError.invalid("\(uri) is not a valid Cloud Storage URI.")
        }
    }
}

/// Rules of labels: https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/add-labels-to-api-calls.
enum VertexLabels {
    static func check(_ labels: JSON?) throws {
        let members = labels?.object?.members ?? []
        guard members.count <= 64 else { throw GoogleError.invalid("There are more than 64 labels.") }
        for member in members {
            guard member.key.wholeMatch(of: /[a-z][a-z0-9_-]{0,62}/) != nil,
                member.value.string?.wholeMatch(of: /[a-z0-9_-]{0,63}/) != nil
            else {
                throw GoogleError.invalid("Invalid label \"\(member.key)\": \(member.value.text).")
            }
        }
    }
}

extension String {
    /// What follows the last slash.
    var lastSegment: String { split(separator: "/").last.map(String.init) ?? self }
}
