/// Reads plain scalars by YAML 1.2's core schema, with `yes`, `no`, `on` and `off` as LiteLLM's reader has them.
///
/// Dates, numbers with leading zeros and numbers too large for 64 bits stay the strings that were written.
enum YAMLScalar {
    private static let booleans: [String: Bool] = [
        "true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false,
        "yes": true, "Yes": true, "YES": true, "no": false, "No": false, "NO": false,
        "on": true, "On": true, "ON": true, "off": false, "Off": false, "OFF": false,
    ]
    private static let nulls: Set<String> = ["", "~", "null", "Null", "NULL"]

    /// The value of a scalar that was neither quoted nor tagged.
    static func plain(_ text: String) -> SourceValue.Content {
        if nulls.contains(text) { return .null }
        if let value = booleans[text] { return .bool(value) }
        if let value = integer(text) { return .integer(value) }
        if let value = double(text) { return .double(value) }
        return .string(text)
    }

    static func bool(_ text: String) -> Bool? { booleans[text] }

    static func integer(_ text: String) -> Int64? {
        for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
            let digits = text.dropFirst(prefix.count)
            return digits.first?.isHexDigit == true ? Int64(digits, radix: radix) : nil
        }
        let digits =
            text.utf8.first.map { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") } == true
            ? text.utf8.dropFirst() : text.utf8[...]
        guard !digits.isEmpty, digits.allSatisfy(isDigit) else { return nil }
        guard digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
        return Int64(text)
    }

    static func double(_ text: String) -> Double? {
        // What `Double` reads beyond this, such as `inf` and `0x1p3`, has a letter other than e.
        guard text.utf8.contains(where: isDigit) else { return nil }
        guard text.utf8.contains(where: { ".eE".utf8.contains($0) }) else { return nil }
        guard text.utf8.allSatisfy({ isDigit($0) || "+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text).flatMap { $0.isFinite ? $0 : nil }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
}
