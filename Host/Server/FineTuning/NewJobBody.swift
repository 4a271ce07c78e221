import HostCore
import HostPlugins

/// The body of `POST /v1/fine_tuning/jobs`.
struct NewJobBody: StrictBody {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case model
        case trainingFile = "training_file"
        case validationFile = "validation_file"
        case suffix
        case seed
        case method
        case hyperparameters
        case integrations
        case metadata
        case provider = "custom_llm_provider"
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))

    private static let methods = ["supervised", "dpo", "reinforcement"]
    private static let hyperparameterNames = ["batch_size", "learning_rate_multiplier", "n_epochs"]
    private static let integrationTypes = ["wandb"]
    private static let longestSuffix = 64
    private static let mostIntegrations = 5

    let model: String
    let trainingFile: String
    let validationFile: String?
    let suffix: String?
    let seed: Int64?
    let method: ConfigurationValue?
    /// The form that came before `method`.
    let hyperparameters: ConfigurationValue?
    let integrations: ConfigurationValue?
    let metadata: [String: String]?
    /// LiteLLM's clients send it; the model decides who provides it.
    let provider: String?

    /// Checks what the members say, as far as it is the same for all providers.
    ///
    /// - Parameter fileIDs: Tells ids of files from other text.
    /// - Throws: ``RuleError`` that names the member.
    func check(_ fileIDs: FileIDCodec) throws(RuleError) {
        if let suffix, !(1...Self.longestSuffix).contains(suffix.unicodeScalars.count) {
            throw RuleError.invalid("suffix", "must have 1 to \(Self.longestSuffix) characters")
        }
        if let seed, !(0...Int64(Int32.max)).contains(seed) {
            throw RuleError.invalid("seed", "must be a whole number from 0 to \(Int32.max)")
        }
        try checkMethod()
        try checkHyperparameters()
        try checkIntegrations()
        try ObjectMetadata(metadata).check()
        for (name, value) in [
            ("method", method), ("hyperparameters", hyperparameters), ("integrations", integrations),
        ] {
            if let value { try Self.refuseFilesAndModels(in: value, at: name, fileIDs) }
        }
    }

    private func checkMethod() throws(RuleError) {
        guard let method, method != .null else { return }
        guard case .map(let members) = method else { throw RuleError.invalid("method", "must be an object") }
        guard case .string(let type)? = members["type"], Self.methods.contains(type) else {
            throw RuleError.invalid("method.type", "must be one of \(Self.methods.joined(separator: ", "))")
        }
        try Self.refuseUnknown(members, known: ["type", type], at: "method")
    }

    private func checkHyperparameters() throws(RuleError) {
        guard let hyperparameters, hyperparameters != .null else { return }
        guard case .map(let members) = hyperparameters else {
            throw RuleError.invalid("hyperparameters", "must be an object")
        }
        try Self.refuseUnknown(members, known: Self.hyperparameterNames, at: "hyperparameters")
    }

    private func checkIntegrations() throws(RuleError) {
        guard let integrations, integrations != .null else { return }
        guard case .list(let items) = integrations else { throw RuleError.invalid("integrations", "must be a list") }
        guard items.count <= Self.mostIntegrations else {
            throw RuleError.invalid("integrations", "may have \(Self.mostIntegrations) entries")
        }
        for (index, item) in items.enumerated() {
            let place = "integrations[\(index)]"
            guard case .map(let members) = item, case .string(let type)? = members["type"],
                Self.integrationTypes.contains(type)
            else {
                throw RuleError.invalid("\(place).type", "must be \(Self.integrationTypes.joined(separator: ", "))")
            }
            try Self.refuseUnknown(members, known: ["type", type], at: place)
        }
    }

    private static func refuseUnknown(
        _ members: [String: ConfigurationValue],
        known: [String],
        at place: String
    ) throws(RuleError) {
        guard let unknown = members.keys.filter({ !known.contains($0) }).min() else { return }
        throw RuleError(
            .unsupported,
            "\(place).\(unknown) is not supported here. Supported are \(known.sorted().joined(separator: ", ")).",
            parameter: "\(place).\(unknown)"
        )
    }

    /// Files are named in two places only, and a model in one; anywhere else nobody would ask who may use them.
    private static func refuseFilesAndModels(
        in value: ConfigurationValue,
        at place: String,
        _ fileIDs: FileIDCodec
    ) throws(RuleError) {
        switch value {
        case .string(let text):
            guard fileIDs.read(text) != .unknown else { return }
            throw RuleError.invalid(place, "names a file: files are named in training_file and validation_file only")
        case .list(let items):
            for (index, item) in items.enumerated() {
                try refuseFilesAndModels(in: item, at: "\(place)[\(index)]", fileIDs)
            }
        case .map(let members):
            for (name, item) in members.sorted(by: { $0.key < $1.key }) {
                // A grader would call it for whoever may not.
                guard name != "model" else {
                    throw RuleError(
                        .unsupported,
                        "\(place).model is not supported here: a job calls no other model than its own.",
                        parameter: "\(place).model"
                    )
                }
                try refuseFilesAndModels(in: item, at: "\(place).\(name)", fileIDs)
            }
        case .null, .bool, .integer, .double: return
        }
    }
}
