/// What a rule found wrong.
package struct ConformanceFinding: Equatable, Sendable {
    /// One sentence: what the plugin did.
    package let what: String
    /// The script and the event, or the function, at which it happened.
    package let place: String
    /// One sentence: what to do about it.
    package let advice: String

    /// Makes a finding.
    package init(_ what: String, at place: String, advice: String) {
        self.what = what
        self.place = place
        self.advice = advice
    }
}

/// Why a rule stopped before its end.
enum RuleStop: Error {
    case finding(ConformanceFinding)
    case skip(String)

    /// A finding as an error.
    static func broken(_ what: String, at place: String, advice: String) -> RuleStop {
        .finding(ConformanceFinding(what, at: place, advice: advice))
    }
}

/// How a rule came out.
package enum ConformanceOutcome: Equatable, Sendable {
    /// The plugin kept the rule in that many cases.
    case passed(cases: Int)
    case failed(ConformanceFinding)
    /// The rule says nothing about this plugin, and why.
    case skipped(String)
}
