/// Reads how long a key lives: a whole number and `s`, `m`, `h`, `d`, `w` or `mo` (30 days).
package enum LifetimeText {
    /// 100 years: what is meant to be longer is meant to be without end.
    private static let maximumSeconds: Int64 = 100 * 366 * 86_400

    /// - Parameter text: Such as `30s`, `5m`, `2h`, `7d`, `1mo`.
    /// - Returns: The span; at least a second and at most 100 years.
    /// - Throws: ``RegistryError`` with `.invalid`, parameter `duration`.
    package static func parse(_ text: String) throws(RegistryError) -> Duration {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let unit = secondsPerUnit(text.dropFirst(digits.count)), let count = Int64(digits), count > 0,
            case (let seconds, let overflow) = count.multipliedReportingOverflow(by: unit), !overflow,
            seconds <= maximumSeconds
        else {
            throw RegistryError(
                .invalid,
                "The duration is not understood: write a number and s, m, h, d, w or mo, such as 30d; at most 100 years.",
                parameter: "duration"
            )
        }
        return .seconds(seconds)
    }

    private static func secondsPerUnit(_ unit: Substring) -> Int64? {
        switch unit {
        case "s": 1
        case "m": 60
        case "h": 3600
        case "d": 86_400
        case "w": 7 * 86_400
        case "mo": 30 * 86_400
        default: nil
        }
    }
}
