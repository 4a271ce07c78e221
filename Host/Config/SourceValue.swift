import HostCore

/// A value of a YAML file and its place.
struct SourceValue: Sendable {
    enum Content: Sendable {
        case null
        case bool(Bool)
        case integer(Int64)
        case double(Double)
        case string(String)
        case list([SourceValue])
        case map([SourceEntry])
    }

    /// For an entry of a mapping the line is that of its key.
    let location: SourceLocation
    let content: Content
    /// The environment variable that the value came from, if it did.
    var variable: String?

    var isNull: Bool {
        if case .null = content { true } else { false }
    }

    /// What kind of value this is, with its article.
    var kind: String {
        switch content {
        case .null: "nothing"
        case .bool: "true or false"
        case .integer, .double: "a number"
        case .string: "a string"
        case .list: "a list"
        case .map: "a mapping"
        }
    }

    /// The value as a message may show it: only its kind if it could be a secret.
    var shown: String {
        if let variable { return "the value of \(variable)" }
        if SecretKeys.holds(location.key) { return kind }
        switch content {
        case .bool(let value): return String(value)
        case .integer(let value): return String(value)
        case .double(let value): return String(value)
        case .string(let value): return "\"\(value.onOneLine())\""
        case .null, .list, .map: return kind
        }
    }
}

/// One entry of a mapping.
struct SourceEntry: Sendable {
    let key: String
    let value: SourceValue
}
