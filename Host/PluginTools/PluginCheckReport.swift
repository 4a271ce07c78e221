import HostPlugins
import PluginConformance

/// What came of checking a library against the rules of the ABI.
package struct PluginCheckReport: Encodable, Sendable {
    /// What came of one rule.
    package struct Row: Encodable, Sendable {
        package enum Result: String, Encodable, Sendable { case passed, failed, skipped }

        package let rule: String
        /// What a plugin has to do.
        package let summary: String
        package let result: Result
        package let seconds: Double
        /// How many cases there were; nil unless it passed.
        package private(set) var cases: Int?
        /// What is wrong; nil unless it failed.
        package private(set) var what: String?
        /// Where that is.
        package private(set) var place: String?
        /// What to do about it.
        package private(set) var advice: String?
        /// Why the rule says nothing; nil unless it was skipped.
        package private(set) var reason: String?

        init(_ rule: String, _ summary: String, _ outcome: ConformanceOutcome, seconds: Double) {
            self.rule = rule
            self.summary = summary
            self.seconds = seconds
            switch outcome {
            case .passed(let cases): (result, self.cases) = (.passed, cases)
            case .skipped(let reason): (result, self.reason) = (.skipped, reason)
            case .failed(let finding):
                result = .failed
                (what, place, advice) = (finding.what, finding.place, finding.advice)
            }
        }

        /// What a table says beside the result.
        var note: String {
            switch result {
            case .passed: cases.map { $0 == 1 ? "1 case" : "\($0) cases" } ?? ""
            case .skipped: reason ?? ""
            case .failed: "\(place ?? ""): \(what ?? "") \(advice ?? "")"
            }
        }
    }

    package let library: String
    /// Nil if the file could not be read.
    package let sha256: String?
    package let rules: [Row]

    /// Whether a rule is broken.
    package var hasFailures: Bool { rules.contains { $0.result == .failed } }

    /// For people.
    package var text: String {
        var table = TextTable("RULE", "RESULT", "SECONDS", "WHAT")
        for row in rules { table.add(row.rule, row.result.rawValue, Self.text(row.seconds), row.note) }
        let counts = [Row.Result.passed, .failed, .skipped].map { result in
            "\(rules.filter { $0.result == result }.count) \(result.rawValue)"
        }
        return table.text + "\n\n\(library): " + counts.joined(separator: ", ")
    }

    private static func text(_ seconds: Double) -> String {
        let hundredths = Int((seconds * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
