/// What a column holds.
package enum DatabaseValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    /// Text without NUL characters.
    case text(String)
    case blob([UInt8])

    /// Makes an integer, or null of nil.
    package init(_ value: Int64?) { self = value.map(DatabaseValue.integer) ?? .null }

    /// Makes text, or null of nil.
    package init(_ value: String?) { self = value.map(DatabaseValue.text) ?? .null }

    /// Makes a real number, or null of nil.
    package init(_ value: Double?) { self = value.map(DatabaseValue.real) ?? .null }

    /// Makes 1 of true and 0 of false.
    package init(_ value: Bool) { self = .integer(value ? 1 : 0) }
}
