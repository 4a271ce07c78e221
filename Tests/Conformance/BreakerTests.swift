import PluginConformance
import Testing

/// A plugin that breaks one rule is found out by that rule.
struct BreakerTests {
    /// The rules, each with what has to stand in the message for the plugin that breaks it.
    static let messages: [String: String] = [
        "handshake": "`describe` is not JSON",
        "newer-host": "returns NULL to a host of ABI 1.7",
        "configuration-refusals": "accepted the unknown name",
        "parameter-refusals": "emitted 0 commands instead of one ERROR",
        "unserved-operations": "which is not in `ops`",
        "scripts": "waits for nothing",
        "commands": "its URL is not an absolute",
        "results": "which no REMEMBER \"file\" came before",
        "deterministic": "When the same operation ran a second time, the command `http` had other headers",
        "cancel": "emitted `output {}` to a client that is gone",
        "free": "while no step was running",
        "refused-commands": "waits for something that never comes",
        "newer-events": "64 bytes longer",
        "unknown-events": "An event of the unknown kind 0 led to",
        "lent-memory": "had been overwritten and freed",
        "memory": "Memory grows by",
        "split-bodies": "It ended with `error",
        "cut-bodies": "did not end",
        "upstream-failures": "`op_step` returned -7",
        "interleaved": "took turns with it",
        "any-thread": "every call came on another thread",
        "parallel": "ran at the same time",
        "threads": "changed the number of threads from",
        "signals": "changed the caught signals from",
        "environment": "changed the environment",
    ]
    /// The rules whose breakers take the process with them, each with where that has to be.
    static let crashes: [String: String] = [
        "older-host": "bytes of gantry_host", "older-events": "with events of 8 bytes",
        "guarded-memory": "event 1 (START)",
    ]

    @Test
    func everyRuleHasABreaker() {
        // Only in the sandbox of a worker does the last one show.
        let covered = Set(Self.messages.keys).union(Self.crashes.keys).union(["sandbox"])

        #expect(Set(ConformanceRule.all.map(\.name)) == covered)
    }

    @Test(arguments: messages.keys.sorted())
    func itsRuleNamesWhatAPluginBreaks(rule: String) throws {
        let plugin = try CompiledPlugin(breaking: rule)
        let checked = try CheckedRule(rule, of: plugin.library)
        try plugin.remove()

        let finding = try #require(checked.finding, "\(String(describing: checked.outcome)) \(checked.signal)")
        #expect(finding.what.contains(try #require(Self.messages[rule])))
        #expect(!finding.place.isEmpty && !finding.advice.isEmpty)
    }

    @Test(arguments: crashes.keys.sorted())
    func aCrashIsPutDownToAPlace(rule: String) throws {
        let plugin = try CompiledPlugin(breaking: rule)
        let checked = try CheckedRule(rule, of: plugin.library)
        try plugin.remove()

        #expect(checked.signal == 11)
        #expect(checked.place.contains(try #require(Self.crashes[rule])))
    }

    @Test
    func aPluginThatBreaksNothingPassesEveryRule() throws {
        let plugin = try CompiledPlugin()
        for rule in ConformanceRule.all {
            let checked = try CheckedRule(rule.name, of: plugin.library)
            switch checked.outcome {
            case .passed(let cases): #expect(cases > 0, "\(rule.name)")
            case .skipped: #expect(["parallel", "sandbox"].contains(rule.name), "\(rule.name)")
            case .failed(let finding): Issue.record("\(rule.name): \(finding)")
            case nil: Issue.record("\(rule.name): signal \(checked.signal) at \(checked.place)")
            }
        }
        try plugin.remove()
    }
}
