/// A JSON value that keeps what it was made from: the text of its numbers and the order of its members.
///
/// Source: RFC 8259.
public enum JSON: Hashable, Sendable {
    /// The literal `null`.
    case null
    /// The literals `true` and `false`.
    case bool(Bool)
    /// A number, as its text.
    case number(JSONNumber)
    /// A string of Unicode scalars; a lone surrogate cannot be represented.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object without duplicate names.
    case object(JSONObject)

    /// The member of that name; nil if this is not an object or has none.
    public subscript(name: String) -> JSON? {
        guard case .object(let object) = self else { return nil }
        return object[name]
    }

    /// The string, or nil if this is something else.
    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The number as an integer, or nil if this is something else, has a fraction or does not fit.
    public var integer: Int64? {
        guard case .number(let value) = self else { return nil }
        return value.integer
    }

    /// The number as the nearest finite floating-point value, or nil if this is something else or too large.
    public var double: Double? {
        guard case .number(let value) = self else { return nil }
        return value.double
    }

    /// The truth value, or nil if this is something else.
    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The elements, or nil if this is not an array.
    public var array: [JSON]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    /// The object, or nil if this is something else.
    public var object: JSONObject? {
        guard case .object(let value) = self else { return nil }
        return value
    }

    /// Whether this is the literal `null`.
    public var isNull: Bool { self == .null }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Makes the literal `null`.
    public init(nilLiteral: ()) { self = .null }

    /// Makes `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    /// Makes a number.
    public init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }

    /// Makes a number, or `null` for a value that JSON cannot write.
    public init(floatLiteral value: Double) { self = JSONNumber(value).map { .number($0) } ?? .null }

    /// Makes a string.
    public init(stringLiteral value: String) { self = .string(value) }

    /// Makes an array.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }

    /// Makes an object; of two members with one name the last counts.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
}
