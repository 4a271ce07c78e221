/// What a JSON value must look like; objects accept the members they name and no others.
indirect enum Shape: Sendable {
    case any
    case string
    case bool
    case integer
    case number
    case choice([String])
    case list(Shape)
    case map(Shape)
    case record([String: Shape], required: [String] = [])
    case either([Shape])
    case deferred(@Sendable () -> Shape)

    /// What OpenAI's messages call a value of this shape.
    var expectation: String {
        switch self {
        case .any: "any value"
        case .string, .choice: "a string"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a decimal"
        case .list: "an array"
        case .map, .record: "an object"
        case .either(let shapes): "one of " + shapes.map(\.expectation).joined(separator: " or ")
        case .deferred(let shape): shape().expectation
        }
    }

    fileprivate func fits(_ value: JSON) -> Bool {
        switch (self, value) {
        case (.any, _), (.string, .string), (.choice, .string), (.bool, .bool), (.integer, .integer): true
        case (.number, .integer), (.number, .number), (.list, .array), (.map, .object), (.record, .object): true
        case (.either(let shapes), _): shapes.contains { $0.fits(value) }
        case (.deferred(let shape), _): shape().fits(value)
        default: false
        }
    }
}

/// Why a value does not have its shape.
struct ShapeError: Error {
    enum Reason {
        case unknownMember(String)
        case missingMember(String)
        case wrongKind(expected: Shape, value: JSON)
        case wrongChoice(expected: [String], value: String)
    }

    let reason: Reason
    /// The place of the value, such as `messages[0].content`; empty for the whole.
    let path: String
}

/// Compares values with shapes, and gives them back with canonical member names and without null members.
struct ShapeReader: Sendable {
    /// Google's services read `mime_type` as `mimeType`.
    let acceptsSnakeCase: Bool

    func read(_ value: JSON, as shape: Shape, at path: String = "") throws(ShapeError) -> JSON {
        guard shape.fits(value) else {
            throw ShapeError(reason: .wrongKind(expected: shape, value: value), path: path)
        }
        switch (shape, value) {
        case (.deferred(let shape), _): return try read(value, as: shape(), at: path)
        case (.either(let shapes), _):
            guard let shape = shapes.first(where: { $0.fits(value) }) else { return value }
            return try read(value, as: shape, at: path)
        case (.choice(let choices), .string(let choice)):
            guard choices.contains(choice) else {
                throw ShapeError(reason: .wrongChoice(expected: choices, value: choice), path: path)
            }
            return value
        case (.list(let shape), .array(let values)):
            var results: [JSON] = []
            for (index, value) in values.enumerated() {
                results.append(try read(value, as: shape, at: "\(path)[\(index)]"))
            }
            return .array(results)
        case (.map(let shape), .object(let object)):
            var result = JSONObject()
            for member in object.members {
                result[member.key] = try read(member.value, as: shape, at: path + "." + member.key)
            }
            return .object(result)
        case (.record(let shapes, let required), .object(let object)):
            return try read(object, members: shapes, required: required, at: path)
        default: return value
        }
    }

    private func read(
        _ object: JSONObject,
        members shapes: [String: Shape],
        required: [String],
        at path: String
    ) throws(ShapeError) -> JSON {
        var result = JSONObject()
        for member in object.members {
            let name = acceptsSnakeCase ? Self.camelCase(member.key) : member.key
            guard let shape = shapes[name], result[name] == nil else {
                throw ShapeError(reason: .unknownMember(member.key), path: path)
            }
            guard member.value != .null else { continue }
            result[name] = try read(member.value, as: shape, at: path.isEmpty ? name : "\(path).\(name)")
        }
        for name in required where result[name] == nil {
            throw ShapeError(reason: .missingMember(name), path: path)
        }
        return .object(result)
    }

    private static func camelCase(_ name: String) -> String {
        let words = name.split(separator: "_", omittingEmptySubsequences: false)
        guard words.count > 1, let first = words.first, !first.isEmpty else { return name }
        return words.dropFirst().reduce(String(first)) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }
    }
}
