extension RequestScanner {
    /// What the value of a member means for the scan; an object's role also decides what its members mean.
    enum Role: UInt8 {
        /// Nothing special itself, though files may be named below it.
        case plain
        /// Free-form: what looks like a file id in it is the client's own data.
        case freeForm
        case request
        case model
        case stream
        case streamOptions
        case includeUsage
        case tools
        case tool
        case functions
        case function
        case call
        case responseFormat
        case text
        case textFormat
        case fileID
        case fileIDs
        case fileIDsElement
        /// A URL or a file id, or an object (or a list) that holds it.
        case link
        case inputAudio
        /// Inline content, unless it reads like a file id.
        case content
        /// The top level's `input`.
        case input
        /// An element of `input`, which may stand for one that a provider keeps.
        case inputItem
        case previousResponse
        /// The id of a conversation, or the object that holds it.
        case conversation
        /// The id of a container, or the description of a new one.
        case container
        case vectorStores

        /// The role of a member of an object that has this role.
        func role(of member: Member?) -> Role {
            guard let member else { return .plain }
            switch member {
            case .fileID: return .fileID
            case .fileIDs: return .fileIDs
            case .fileData: return .content
            case .imageURL, .videoURL, .audioURL, .fileURL: return .link
            case .inputAudio: return .inputAudio
            case .tools: return .tools
            case .vectorStoreIDs: return .vectorStores
            case .container: return self == .tool ? .container : .plain
            case .url: return self == .link ? .link : .plain
            case .data: return self == .inputAudio ? .content : .plain
            case .function: return self == .tool ? .function : .call
            case .parameters: return self == .tool || self == .function ? .freeForm : .plain
            case .inputSchema: return self == .tool ? .freeForm : .plain
            case .arguments: return self == .call || self == .function ? .freeForm : .plain
            case .jsonSchema: return self == .responseFormat ? .freeForm : .plain
            case .schema: return self == .textFormat ? .freeForm : .plain
            case .includeUsage: return self == .streamOptions ? .includeUsage : .plain
            case .format: return self == .text ? .textFormat : .plain
            default: return self == .request ? Self.topLevelRole(of: member) : .plain
            }
        }

        private static func topLevelRole(of member: Member) -> Role {
            switch member {
            case .model: .model
            case .stream: .stream
            case .streamOptions: .streamOptions
            case .metadata: .freeForm
            case .functions: .functions
            case .responseFormat: .responseFormat
            case .text: .text
            case .input: .input
            case .previousResponseID: .previousResponse
            case .conversation: .conversation
            default: .plain
            }
        }

        /// The role of the elements of an array that has this role.
        var elementRole: Role {
            switch self {
            case .freeForm, .link, .content, .vectorStores: self
            case .input: .inputItem
            case .tools: .tool
            case .functions: .function
            case .fileIDs: .fileIDsElement
            default: .plain
            }
        }

        /// Whether a value of this type may stand here; what is of no concern to the gateway may be anything.
        func allows(_ kind: Kind) -> Bool {
            switch self {
            case .model, .fileIDsElement: kind == .string
            case .stream, .includeUsage: kind == .bool || kind == .null
            case .request: kind == .object
            case .streamOptions: kind == .object || kind == .null
            case .fileID, .previousResponse: kind == .string || kind == .null
            case .fileIDs: kind == .array || kind == .null
            default: true
            }
        }

        /// What to tell a client whose value is of another type.
        var requirement: String {
            switch self {
            case .model, .fileIDsElement: "a string"
            case .stream, .includeUsage: "true, false or null"
            case .request: "an object"
            case .streamOptions: "an object or null"
            case .fileID, .previousResponse: "a string or null"
            case .fileIDs: "a list of strings or null"
            default: "another type"
            }
        }
    }

    /// The type of a JSON value.
    enum Kind: UInt8 {
        case object
        case array
        case string
        case number
        case bool
        case null
    }
}
