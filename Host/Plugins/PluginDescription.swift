import FoundationEssentials

/// What a plugin says of itself in `describe`: how the host has to treat each parameter.
struct PluginDescription: Sendable {
    /// How one parameter reaches the plugin.
    struct Parameter: Sendable, Decodable {
        enum Kind: String, Sendable, Decodable {
            case value
            case secret
            case endpoint
            case credentials
        }

        let kind: Kind
        /// The environment variable that fills the parameter if it is absent.
        let environmentVariable: String?
        /// Members of a credentials document that are secrets.
        let members: [String]
        /// Members of a credentials document that are the operator's endpoints.
        let endpoints: [String]

        init(_ kind: Kind, environmentVariable: String? = nil) {
            self.kind = kind
            self.environmentVariable = environmentVariable
            members = []
            endpoints = []
        }

        private enum CodingKeys: String, CodingKey {
            case kind
            case environmentVariable = "env"
            case members
            case endpoints
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            kind = try container.decode(Kind.self, forKey: .kind)
            environmentVariable = try container.decodeIfPresent(String.self, forKey: .environmentVariable)
            members = try container.decodeIfPresent([String].self, forKey: .members) ?? []
            endpoints = try container.decodeIfPresent([String].self, forKey: .endpoints) ?? []
        }
    }

    let parameters: [String: Parameter]
    let configuration: [String: Parameter]
    /// Purposes whose files the provider gives back; `*` stands for all.
    let contentPurposes: Set<String>
    let lostFiles: LostFiles?

    init(
        parameters: [String: Parameter],
        configuration: [String: Parameter],
        contentPurposes: Set<String>,
        lostFiles: LostFiles?
    ) {
        self.parameters = parameters
        self.configuration = configuration
        self.contentPurposes = contentPurposes
        self.lostFiles = lostFiles
    }

    /// Reads the JSON of `describe`; empty JSON describes nothing.
    init(json: UnsafeRawBufferPointer, library: String) throws(PluginError) {
        guard !json.isEmpty else {
            (parameters, configuration, contentPurposes, lostFiles) = ([:], [:], [], nil)
            return
        }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(json))
        } catch {
            throw PluginError(.incompatible, "\(library): its `describe` is not the JSON that the ABI asks for.")
        }
        parameters = document.params ?? [:]
        configuration = document.config ?? [:]
        contentPurposes = Set(document.contentPurposes ?? [])
        lostFiles = document.lostFiles.flatMap { LostFiles(rawValue: $0) }
    }

    private struct Document: Decodable {
        let params: [String: Parameter]?
        let config: [String: Parameter]?
        let contentPurposes: [String]?
        let lostFiles: String?

        private enum CodingKeys: String, CodingKey {
            case params
            case config
            case contentPurposes = "content_purposes"
            case lostFiles = "lost_files"
        }
    }
}

/// What becomes of a file whose upload was cut off before anybody noted its id.
package enum LostFiles: String, Sendable {
    /// There is none: every id is remembered before its file exists.
    case none
    /// FILE_LIST with `like` finds it.
    case search
}
