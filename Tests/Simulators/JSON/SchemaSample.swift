/// Invents a value for a JSON Schema, so that structured answers have the structure asked for.
enum SchemaSample {
    /// A value that has the shape of `schema`; strings are `text`.
    static func value(for schema: JSON, text: String, depth: Int = 0) -> JSON {
        if let choice = schema["enum"]?.array?.first { return choice }
        if let constant = schema["const"] { return constant }
        guard depth < 16 else { return .null }
        switch kind(of: schema) {
        case "object": return object(for: schema, text: text, depth: depth)
        case "array":
            guard let items = schema["items"] else { return [] }
            return [value(for: items, text: text, depth: depth + 1)]
        case "integer", "number": return schema["minimum"] ?? 1
        case "boolean": return true
        case "null": return .null
        default: return .string(text)
        }
    }

    private static func object(for schema: JSON, text: String, depth: Int) -> JSON {
        var result = JSONObject()
        for member in schema["properties"]?.object?.members ?? [] {
            result[member.key] = value(for: member.value, text: text, depth: depth + 1)
        }
        return .object(result)
    }

    private static func kind(of schema: JSON) -> String {
        let name = schema["type"]?.string ?? schema["type"]?.array?.first?.string
        return name?.lowercased() ?? (schema["properties"] == nil ? "string" : "object")
    }
}
