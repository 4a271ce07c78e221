import FoundationEssentials

/// A JSON text as Foundation reads it.
enum JSONTree: Decodable {
    case object([String: JSONTree])
    case array([JSONTree])
    case string(String)
    case bool(Bool)
    case null
    /// Its value is nil if no `Double` holds it, or if it is no number at all: Foundation tells both alike.
    case number(Double?)

    /// The name of a member, whatever it is.
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let object = Self.orNil({ try decoder.container(keyedBy: Name.self) }) {
            var members: [String: JSONTree] = [:]
            for name in object.allKeys { members[name.stringValue] = try object.decode(JSONTree.self, forKey: name) }
            self = .object(members)
        } else if var array = Self.orNil({ try decoder.unkeyedContainer() }) {
            var elements: [JSONTree] = []
            while !array.isAtEnd { elements.append(try array.decode(JSONTree.self)) }
            self = .array(elements)
        } else {
            self = try Self.single(decoder.singleValueContainer())
        }
    }

    private static func single(_ value: any SingleValueDecodingContainer) throws -> JSONTree {
        if value.decodeNil() { return .null }
        if let bool = orNil({ try value.decode(Bool.self) }) { return .bool(bool) }
        do {
            return .string(try value.decode(String.self))
        } catch DecodingError.typeMismatch {
            return .number(orNil { try value.decode(Double.self) })
        }
    }

    // A decoder has no other way to tell what a value is than to fail.
    private static func orNil<Value>(_ read: () throws -> Value) -> Value? {
        do { return try read() } catch { return nil }
    }

    /// How many members all objects have together.
    var memberCount: Int {
        switch self {
        case .object(let members): members.values.reduce(members.count) { $0 + $1.memberCount }
        case .array(let elements): elements.reduce(0) { $0 + $1.memberCount }
        default: 0
        }
    }

    /// Whether a number is in it that Foundation has no value for.
    var hasOddNumber: Bool {
        switch self {
        case .object(let members): members.values.contains(where: \.hasOddNumber)
        case .array(let elements): elements.contains(where: \.hasOddNumber)
        case .number(let value): value == nil
        default: false
        }
    }
}
