import HostCore

/// TUNE_CREATE.
package struct TuneCreateInput: OperationInput {
    private enum CodingKeys: String, CodingKey {
        case trainingFile = "training_file"
        case validationFile = "validation_file"
        case method
        case hyperparameters
        case seed
        case suffix
        case integrations
        case metadata
        case name
    }

    /// The provider's id of the file.
    package let trainingFile: String
    /// The provider's id of the file.
    package let validationFile: String?
    package let method: ConfigurationValue?
    /// The form that came before `method`.
    package let hyperparameters: ConfigurationValue?
    package let seed: Int64?
    package let suffix: String?
    package let integrations: ConfigurationValue?
    package let metadata: [String: String]?
    /// A name that no other job has.
    package let name: String

    /// Makes the input.
    ///
    /// - Parameters:
    ///   - trainingFile: The provider's id of the file.
    ///   - validationFile: The provider's id of the file.
    ///   - method: As the client wrote it.
    ///   - hyperparameters: As the client wrote them.
    ///   - seed: As the client wrote it.
    ///   - suffix: As the client wrote it.
    ///   - integrations: As the client wrote them.
    ///   - metadata: What the provider may know.
    ///   - name: A name that no other job has.
    package init(
        trainingFile: String,
        validationFile: String?,
        method: ConfigurationValue?,
        hyperparameters: ConfigurationValue?,
        seed: Int64?,
        suffix: String?,
        integrations: ConfigurationValue?,
        metadata: [String: String]?,
        name: String
    ) {
        self.trainingFile = trainingFile
        self.validationFile = validationFile
        self.method = method
        self.hyperparameters = hyperparameters
        self.seed = seed
        self.suffix = suffix
        self.integrations = integrations
        self.metadata = metadata
        self.name = name
    }
}

/// TUNE_EVENTS and TUNE_CHECKPOINTS.
package struct ObjectPageInput: OperationInput {
    package let id: String
    /// The id of the last item of the page before.
    package let after: String?
    /// 1 to 100.
    package let limit: Int

    /// Makes the input.
    package init(id: String, after: String?, limit: Int) {
        self.id = id
        self.after = after
        self.limit = limit
    }
}

/// What TUNE_EVENTS and TUNE_CHECKPOINTS answer.
package struct ObjectPageResult: Decodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case data
        case hasMore = "has_more"
    }

    /// OpenAI's objects, with the provider's ids.
    package let data: [ConfigurationValue]
    package let hasMore: Bool

    /// Reads an operation's result.
    ///
    /// - Throws: ``OperationFailure`` if the plugin's result is not what the ABI asks for.
    package init(_ result: OperationResult) throws(OperationFailure) {
        self = try result.decoded(ObjectPageResult.self)
    }
}
