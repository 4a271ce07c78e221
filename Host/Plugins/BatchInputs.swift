import FoundationEssentials
import HostCore
import NIOCore
import NIOFoundationEssentialsCompat

/// INPUT_CREATE; the lines come with the request.
package struct InputCreateInput: OperationInput {
    /// `batch` or `fine-tune`.
    package let purpose: String
    /// A name that no other object has; the adapter may build the provider's name on it.
    package let name: String
    /// Of the client's file.
    package let bytes: Int64
    /// What the requests of a batch are for.
    package let endpoint: String?

    /// Makes the input.
    package init(purpose: String, name: String, bytes: Int64, endpoint: String?) {
        self.purpose = purpose
        self.name = name
        self.bytes = bytes
        self.endpoint = endpoint
    }
}

/// BATCH_CREATE.
package struct BatchCreateInput: OperationInput {
    private enum CodingKeys: String, CodingKey {
        case inputFileID = "input_file_id"
        case endpoint
        case completionWindow = "completion_window"
        case metadata
        case outputExpiresAfter = "output_expires_after"
        case name
    }

    /// When a provider drops the output and error files.
    package struct Expiry: Codable, Sendable, Hashable {
        /// `created_at`.
        package let anchor: String
        package let seconds: Int64

        /// Makes a rule.
        package init(anchor: String, seconds: Int64) {
            self.anchor = anchor
            self.seconds = seconds
        }
    }

    /// The provider's id of the derived input.
    package let inputFileID: String
    package let endpoint: String
    package let completionWindow: String
    package let metadata: [String: String]?
    package let outputExpiresAfter: Expiry?
    /// A name that no other batch has.
    package let name: String

    /// Makes the input.
    package init(
        inputFileID: String,
        endpoint: String,
        completionWindow: String,
        metadata: [String: String]?,
        outputExpiresAfter: Expiry?,
        name: String
    ) {
        self.inputFileID = inputFileID
        self.endpoint = endpoint
        self.completionWindow = completionWindow
        self.metadata = metadata
        self.outputExpiresAfter = outputExpiresAfter
        self.name = name
    }
}

/// BATCH_LIST and TUNE_LIST, for the objects that a creation may have left.
package struct ObjectSearchInput: OperationInput {
    private enum CodingKeys: String, CodingKey {
        case name
        case inputFileID = "input_file_id"
        case trainingFile = "training_file"
        case since
        case after
    }

    package let name: String
    package let inputFileID: String?
    package let trainingFile: String?
    /// Unix seconds, after which the object was created.
    package let since: Int64
    /// Where the page before ended.
    package let after: String?

    /// Makes the input; the one file that is given is the one that the kind of object has.
    package init(
        name: String,
        inputFileID: String? = nil,
        trainingFile: String? = nil,
        since: Int64,
        after: String?
    ) {
        self.name = name
        self.inputFileID = inputFileID
        self.trainingFile = trainingFile
        self.since = since
        self.after = after
    }
}

/// BATCH_GET, BATCH_CANCEL, and the same of jobs and responses.
package struct ObjectInput: OperationInput {
    package let id: String

    /// Makes the input.
    package init(id: String) { self.id = id }
}

/// BATCH_RESULTS.
package struct BatchResultsInput: OperationInput {
    package let id: String
    /// What BATCH_CREATE was given.
    package let name: String
    package let endpoint: String

    /// Makes the input.
    package init(id: String, name: String, endpoint: String) {
        self.id = id
        self.name = name
        self.endpoint = endpoint
    }
}

/// What BATCH_RESULTS answers.
package struct BatchResults: Decodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case outputFile = "output_file"
        case errorFile = "error_file"
    }

    /// Nil if no request succeeded.
    package let outputFile: FileResult?
    /// Nil if no request failed.
    package let errorFile: FileResult?

    /// Reads an operation's result.
    ///
    /// - Throws: ``OperationFailure`` if the plugin's result is not what the ABI asks for.
    package init(_ result: OperationResult) throws(OperationFailure) { self = try result.decoded(BatchResults.self) }
}

/// An object as the plugin describes it: OpenAI's members.
package struct ObjectResult: Sendable {
    package let members: [String: ConfigurationValue]
    /// The provider's id.
    package let id: String
    /// OpenAI's word, or the provider's own if the plugin does not know what it means.
    package let status: String

    /// Reads an operation's result.
    ///
    /// - Throws: ``OperationFailure`` if the plugin's result is not what the ABI asks for.
    package init(_ result: OperationResult) throws(OperationFailure) {
        guard case .map(let members) = try result.decoded(ConfigurationValue.self),
            case .string(let id)? = members["id"], case .string(let status)? = members["status"], !id.isEmpty
        else { throw .unreadableResult }
        self.members = members
        self.id = id
        self.status = status
    }
}

extension OperationFailure {
    static let unreadableResult = OperationFailure(
        .pluginFailed,
        "The plugin's result is not the JSON that the ABI asks for."
    )
}

extension OperationResult {
    /// The result as JSON.
    ///
    /// - Throws: ``OperationFailure`` if it is not what the ABI asks for.
    package func decoded<Value: Decodable>(_: Value.Type) throws(OperationFailure) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: data)
        } catch {
            throw .unreadableResult
        }
    }
}
