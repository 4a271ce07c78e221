/// A configuration value as JSON. JSON's numbers stay whole where they are whole.
extension ConfigurationValue: Codable {
    package init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Name.self) {
            let members = try container.allKeys.map { key in
                (key.stringValue, try container.decode(ConfigurationValue.self, forKey: key))
            }
            self = .map(Dictionary(members) { first, _ in first })
        } else if var container = try? decoder.unkeyedContainer() {
            var items: [ConfigurationValue] = []
            while !container.isAtEnd { items.append(try container.decode(ConfigurationValue.self)) }
            self = .list(items)
        } else {
            self = try Self.scalar(decoder.singleValueContainer())
        }
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .map(let members):
            var container = encoder.container(keyedBy: Name.self)
            for (name, value) in members { try container.encode(value, forKey: Name(stringValue: name)) }
        case .list(let items):
            var container = encoder.unkeyedContainer()
            for item in items { try container.encode(item) }
        default:
            var container = encoder.singleValueContainer()
            try encodeScalar(into: &container)
        }
    }

    private func encodeScalar(into container: inout any SingleValueEncodingContainer) throws {
        switch self {
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .null, .map, .list: try container.encodeNil()
        }
    }

    // Codable has no other way to ask what a value is than to try it: each `try?` is a question, and the last
    // candidate's error is thrown.
    private static func scalar(_ container: any SingleValueDecodingContainer) throws -> ConfigurationValue {
        if container.decodeNil() { return .null }
        if let value = try? container.decode(Bool.self) { return .bool(value) }
        if let value = try? container.decode(Int64.self) { return .integer(value) }
        if let value = try? container.decode(Double.self) { return .double(value) }
        return .string(try container.decode(String.self))
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { stringValue = String(intValue) }
    }
}
