/// What a plugin tells about itself before an instance of it exists.
public struct PluginDescription: Sendable {
    /// The plugin's name; equal to the manifest's `id`.
    public var id: String
    /// The plugin's version; equal to the manifest's `version`.
    public var version: String
    /// What its targets serve.
    public var operations: [OperationKind]
    /// Whether requests and answers of the provider have OpenAI's form, so that the host may pass them through.
    public var speaksOpenAIWire: Bool
    /// The parameters of a deployment; `model` is always passed and needs no mention.
    public var parameters: [ParameterDescription]
    /// The members of the plugin's own entry in `plugins.d`.
    public var configuration: [ParameterDescription]
    /// The purposes of files that the provider gives back; `*` for all.
    public var contentPurposes: [String]

    /// What becomes of a file whose upload was cut off before its id was remembered; nil if that is not known.
    public var lostFiles: LostFiles?

    /// Makes a description.
    public init(
        id: String,
        version: String,
        operations: [OperationKind],
        speaksOpenAIWire: Bool = false,
        parameters: [ParameterDescription] = [],
        configuration: [ParameterDescription] = [],
        contentPurposes: [String] = [],
        lostFiles: LostFiles? = nil
    ) {
        self.id = id
        self.version = version
        self.operations = operations
        self.speaksOpenAIWire = speaksOpenAIWire
        self.parameters = parameters
        self.configuration = configuration
        self.contentPurposes = contentPurposes
        self.lostFiles = lostFiles
    }
}

/// What becomes of a file whose upload was cut off before its id was remembered.
public enum LostFiles: String, Sendable {
    /// There is none: every id is remembered before its file exists.
    case none
    /// The operation `fileList` finds it by its member `like`.
    case search
}

/// One parameter of a deployment or of a plugin's configuration.
public struct ParameterDescription: Sendable {
    /// What the host does with a parameter before the plugin sees it.
    public enum Kind: Sendable {
        /// Passes it through.
        case value
        /// Keeps it, and passes `{"secret": NAME}` instead.
        case secret
        /// Passes it through, and allows requests to that URL's host.
        case endpoint
        /// Passes a JSON document with these members replaced as secrets and these allowed as endpoints.
        case credentials(members: [String], endpoints: [String])
    }

    /// The parameter's name.
    public var name: String
    /// What the host does with it.
    public var kind: Kind
    /// The environment variable that fills the parameter if it is absent.
    public var environmentVariable: String?

    /// Makes a description.
    public init(name: String, kind: Kind = .value, environmentVariable: String? = nil) {
        self.name = name
        self.kind = kind
        self.environmentVariable = environmentVariable
    }
}
