/// A JSON number as its text, so that nothing is lost between reading and writing it.
public struct JSONNumber: Hashable, Sendable {
    /// The text, by the grammar of RFC 8259 §6.
    public let text: String

    /// Takes over a text that the parser has already checked.
    init(checked text: String) { self.text = text }

    /// Makes a number from its text; nil if RFC 8259 does not allow the text.
    public init?(text: String) {
        let parsed: JSON?
        do throws(JSONError) { parsed = try JSON(parsing: Array(text.utf8)) } catch { parsed = nil }
        guard case .number(let number)? = parsed, number.text.utf8.count == text.utf8.count else { return nil }
        self = number
    }

    /// Makes a number from an integer.
    public init(_ value: some FixedWidthInteger) { text = String(value) }

    /// Makes a number from a floating-point value; nil for infinities and NaN, which JSON cannot write.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = value.description
    }

    /// The value as an integer, or nil if it has a fraction or does not fit.
    ///
    /// `1.0` and `1e3` count as integers, as they do in JSON Schema, up to where floating-point values are exact.
    public var integer: Int64? {
        Int64(text) ?? double.flatMap { $0.magnitude <= 0x1p53 ? Int64(exactly: $0) : nil }
    }

    /// The nearest finite floating-point value, or nil if it is too large.
    public var double: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }
}
