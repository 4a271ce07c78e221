import GantryPlugin

/// What came of one rule.
package struct ConformanceResult: Equatable, Sendable {
    /// The rule's name.
    package let rule: String
    package let outcome: ConformanceOutcome

    /// Makes a result.
    package init(rule: String, outcome: ConformanceOutcome) {
        self.rule = rule
        self.outcome = outcome
    }

    /// The result as a JSON object: `rule`, `result` (`passed`, `failed` or `skipped`), and what belongs to it.
    package var json: JSON {
        switch outcome {
        case .passed(let cases):
            return ["rule": .string(rule), "result": "passed", "cases": .number(JSONNumber(cases))]
        case .skipped(let reason): return ["rule": .string(rule), "result": "skipped", "reason": .string(reason)]
        case .failed(let finding):
            return [
                "rule": .string(rule), "result": "failed", "what": .string(finding.what),
                "place": .string(finding.place), "advice": .string(finding.advice),
            ]
        }
    }

    /// ``json`` as text.
    package var encoded: [UInt8] { json.serialized() }

    /// Reads what ``encoded`` has written; nil for anything else.
    package init?(encoded: [UInt8]) {
        do throws(JSONError) {
            self.init(json: try JSON(parsing: encoded))
        } catch {
            return nil
        }
    }

    /// Reads what ``json`` has written; nil for anything else.
    package init?(json: JSON) {
        guard let rule = json["rule"]?.string else { return nil }
        switch json["result"]?.string {
        case "passed":
            guard let cases = json["cases"]?.integer else { return nil }
            self.init(rule: rule, outcome: .passed(cases: Int(clamping: cases)))
        case "skipped":
            guard let reason = json["reason"]?.string else { return nil }
            self.init(rule: rule, outcome: .skipped(reason))
        case "failed":
            guard let what = json["what"]?.string, let place = json["place"]?.string,
                let advice = json["advice"]?.string
            else { return nil }
            self.init(rule: rule, outcome: .failed(ConformanceFinding(what, at: place, advice: advice)))
        default: return nil
        }
    }
}
