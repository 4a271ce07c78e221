import HostCore

/// Reads values as what they have to be, replacing `os.environ/NAME` where it stands.
struct ValueReader: Sendable {
    private static let reference = "os.environ/"

    let environment: [String: String]

    /// A variable's value; nil if it is absent or empty.
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// The value with a reference to a variable replaced; lists and mappings are left as they are.
    func resolved(_ value: SourceValue) throws(ConfigurationError) -> SourceValue {
        guard case .string(let text) = value.content, text.hasPrefix(Self.reference) else { return value }
        let name = String(text.dropFirst(Self.reference.count))
        guard Self.isVariableName(name) else {
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "os.environ/ must be followed by a variable's name: letters, digits and _. Correct the name."
            )
        }
        guard let replacement = variable(name) else {
            throw ConfigurationError(
                .unsetVariable,
                at: value.location,
                "the environment variable \(name) is missing or empty. Set it."
            )
        }
        return SourceValue(location: value.location, content: .string(replacement), variable: name)
    }

    /// A string.
    func string(_ value: SourceValue) throws(ConfigurationError) -> String {
        let value = try resolved(value)
        if case .string(let text) = value.content { return text }
        throw wrongType(value, "a string")
    }

    /// A whole number, also as digits in a string, as a variable's value has to be.
    func integer(_ value: SourceValue, in range: ClosedRange<Int64>) throws(ConfigurationError) -> Int64 {
        let value = try resolved(value)
        let number: Int64?
        switch value.content {
        case .integer(let integer): number = integer
        case .string(let text): number = YAMLScalar.integer(text)
        default: number = nil
        }
        guard let number, range.contains(number) else {
            let limits = "a whole number from \(range.lowerBound) to \(range.upperBound)"
            throw ConfigurationError(.badValue, at: value.location, "must be \(limits), not \(value.shown).")
        }
        return number
    }

    /// A span of time in seconds, to the millisecond; no time at all only where that has a meaning.
    func seconds(
        _ value: SourceValue,
        upTo limit: Int64,
        orZero: Bool = false
    ) throws(ConfigurationError) -> Duration {
        let value = try resolved(value)
        let number: Double?
        switch value.content {
        case .integer(let integer): number = Double(integer)
        case .double(let double): number = double
        case .string(let text): number = YAMLScalar.double(text) ?? YAMLScalar.integer(text).map(Double.init)
        default: number = nil
        }
        guard let number, number >= 0.001 || orZero && number == 0, number <= Double(limit) else {
            let limits = "a number of seconds, \(orZero ? "0 or more" : "more than 0") and at most \(limit)"
            throw ConfigurationError(.badValue, at: value.location, "must be \(limits), not \(value.shown).")
        }
        return .milliseconds(Int64((number * 1000).rounded()))
    }

    /// True or false.
    func bool(_ value: SourceValue) throws(ConfigurationError) -> Bool {
        let value = try resolved(value)
        if case .bool(let bool) = value.content { return bool }
        if value.variable != nil, case .string(let text) = value.content, let bool = YAMLScalar.bool(text) {
            return bool
        }
        throw wrongType(value, "true or false")
    }

    /// One of some words.
    func word<Word: RawRepresentable<String>>(
        _ value: SourceValue,
        of words: [Word]
    ) throws(ConfigurationError) -> Word {
        let text = try string(value)
        if let word = Word(rawValue: text) { return word }
        let list = words.map(\.rawValue).joined(separator: " or ")
        throw ConfigurationError(.badValue, at: value.location, "must be \(list), not \(try resolved(value).shown).")
    }

    /// A list's items.
    func list(_ value: SourceValue) throws(ConfigurationError) -> [SourceValue] {
        if case .list(let items) = value.content { return items }
        throw wrongType(value, "a list")
    }

    /// A mapping with any keys.
    func mapping(_ value: SourceValue) throws(ConfigurationError) -> SourceMapping {
        if case .map(let entries) = value.content { return SourceMapping(location: value.location, entries: entries) }
        throw wrongType(value, "a mapping")
    }

    /// Any value, replaced to its depths.
    func configuration(_ value: SourceValue) throws(ConfigurationError) -> ConfigurationValue {
        switch try resolved(value).content {
        case .null: return .null
        case .bool(let bool): return .bool(bool)
        case .integer(let integer): return .integer(integer)
        case .double(let double): return .double(double)
        case .string(let text): return .string(text)
        case .list(let items):
            var values: [ConfigurationValue] = []
            for item in items { values.append(try configuration(item)) }
            return .list(values)
        case .map(let entries): return .map(try configuration(entries))
        }
    }

    /// The values of entries, by key.
    func configuration(_ entries: [SourceEntry]) throws(ConfigurationError) -> [String: ConfigurationValue] {
        var values: [String: ConfigurationValue] = [:]
        for entry in entries { values[entry.key] = try configuration(entry.value) }
        return values
    }

    /// Whether this can be the name of an environment variable.
    static func isVariableName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first) else { return false }
        return name.utf8.count <= 128 && name.consists(ofLettersDigitsAnd: "_")
    }

    private func wrongType(_ value: SourceValue, _ expected: String) -> ConfigurationError {
        let isScalar: Bool
        switch value.content {
        case .bool, .integer, .double: isScalar = true
        case .null, .string, .list, .map: isScalar = false
        }
        let advice = isScalar && expected == "a string" ? " Put it in quotes." : ""
        return ConfigurationError(.wrongType, at: value.location, "must be \(expected), not \(value.kind).\(advice)")
    }
}

extension String {
    /// Whether this has one character at least and none but ASCII letters, digits and the given ones.
    func consists(ofLettersDigitsAnd others: String) -> Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: others.utf8.contains(byte)
                }
            }
    }
}
