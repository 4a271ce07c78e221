import HostPlugins
import PluginConformance

/// Checks a library: its file in this process, and what it does in one fresh worker after another.
package struct PluginChecker {
    /// The rules about the file, which come before any of its code runs.
    package static let fileRules: [(name: String, summary: String)] = [
        ("file", "nobody but this user and root can change the library"),
        ("form", "the library is a whole shared object for this machine"),
        ("stack", "the library asks for no executable stack"),
        ("exports", "the library exports its entry alone"),
    ]

    /// Every rule with what a plugin has to do, in the order in which they are checked.
    package static var rules: [(name: String, summary: String)] {
        fileRules + ConformanceRule.all.map { ($0.name, $0.summary) }
    }

    private let scripts: [UInt8]
    private let parameters: [(name: String, value: String)]
    private let limit: Duration
    private let executable: String

    /// Makes a checker.
    ///
    /// - Parameters:
    ///   - scripts: The texts of script files by their paths; if there are none, the checker makes scripts.
    ///   - parameters: Parameters of the deployment by name.
    ///   - limit: How long one rule may take.
    ///   - executable: The path of `gantry-worker`.
    /// - Throws: ``ToolError`` with `.usage` for a text that is no script.
    package init(
        scripts: [(path: String, text: [UInt8])],
        parameters: [(name: String, value: String)],
        limit: Duration,
        executable: String
    ) throws(ToolError) {
        for (path, text) in scripts {
            do throws(ScriptError) {
                _ = try ConformanceScript.parse(text)
            } catch {
                throw ToolError(.usage, "\(path): \(error).")
            }
        }
        self.scripts = Array(scripts.map(\.text).joined(separator: [UInt8(ascii: "\n")]))
        self.parameters = parameters
        self.limit = limit
        self.executable = executable
    }

    /// Checks a library against rules; waits for workers.
    ///
    /// - Parameters:
    ///   - path: The library.
    ///   - names: The rules; all if there are none.
    /// - Returns: What came of each rule.
    /// - Throws: ``ToolError`` for a rule that there is not; ``PluginError`` if no worker can be started.
    package func check(_ path: String, rules names: [String]) throws -> PluginCheckReport {
        if let unknown = names.first(where: { name in !Self.rules.contains { $0.name == name } }) {
            throw ToolError(.usage, "--rule \(unknown): there is no such rule; `gantry plugin check --list` has them.")
        }
        let isWanted = { (name: String) in names.isEmpty || names.contains(name) }
        let file = FileRules(path)
        var rows = Self.fileRules.filter { isWanted($0.name) }.map { name, summary in
            PluginCheckReport.Row(name, summary, file.outcome(name), seconds: 0)
        }
        let wanted = ConformanceRule.all.filter { isWanted($0.name) }
        if let library = file.goodLibrary, !wanted.isEmpty {
            let check = try LibraryCheck(library, executable: executable)
            for rule in wanted { rows.append(try self.check(rule, check)) }
        } else {
            let outcome = ConformanceOutcome.skipped("the library's file is not good, so none of its code is run")
            rows += wanted.map { PluginCheckReport.Row($0.name, $0.summary, outcome, seconds: 0) }
        }
        return PluginCheckReport(library: path, sha256: file.library?.sha256, rules: rows)
    }

    private func check(_ rule: ConformanceRule, _ check: LibraryCheck) throws -> PluginCheckReport.Row {
        let start = ContinuousClock.now
        let outcome: ConformanceOutcome
        switch try check.run(rule.name, scripts: scripts, parameters: parameters, limit: limit) {
        case .checked(let encoded):
            guard let result = ConformanceResult(encoded: encoded), result.rule == rule.name else {
                throw ToolError(
                    .file,
                    "\(executable): it is not the worker of this gantry. Install both from one build."
                )
            }
            outcome = result.outcome
        case .ended(let what, let place):
            outcome = .failed(
                ConformanceFinding("Its worker \(what).", at: place, advice: "The rule is: \(rule.summary).")
            )
        }
        let spent = start.duration(to: .now).components
        let seconds = Double(spent.seconds) + Double(spent.attoseconds) / 1e18
        return PluginCheckReport.Row(rule.name, rule.summary, outcome, seconds: seconds)
    }
}

/// What can be said of a library's file.
private struct FileRules {
    let library: LibraryFile?
    private let facts: ELFFacts?
    private let refusal: String?
    private let isGood: Bool

    init(_ path: String) {
        do throws(PluginError) {
            let library = try LibraryFile(path)
            (self.library, facts, refusal) = (library, ELFFacts(library), nil)
        } catch {
            (library, facts, refusal) = (nil, nil, error.message)
        }
        isGood = facts?.refusal == nil && facts?.exports == [LibraryFile.entrySymbol]
    }

    /// The library, if its code may be run.
    var goodLibrary: LibraryFile? { isGood ? library : nil }

    func outcome(_ rule: String) -> ConformanceOutcome {
        guard let facts else {
            return rule == "file"
                ? failed(refusal ?? "", "Correct the file.") : .skipped("the file was refused")
        }
        // The form is looked at in this order: a stack that is not good ends the look.
        let isStackAtFault = facts.refusal?.contains("stack") == true
        let isFormAtFault = facts.refusal != nil && !isStackAtFault
        switch rule {
        case "file": return .passed(cases: 1)
        case "form":
            guard let refusal = facts.refusal, isFormAtFault else { return .passed(cases: 1) }
            return failed("The library is refused: \(refusal).", "Build it for this machine, as a shared object.")
        case "stack" where isStackAtFault:
            return failed("The library is refused: \(facts.refusal ?? "").", "Link it with `-z noexecstack`.")
        case _ where facts.refusal != nil: return .skipped("the file's form was refused")
        case "exports" where facts.exports != [LibraryFile.entrySymbol]:
            let shown = facts.exports.prefix(4).joined(separator: ", ")
            return failed(
                "It exports \(facts.exports.count) symbols (\(shown)) instead of \(LibraryFile.entrySymbol) alone.",
                "Compile with `-fvisibility=hidden`, or link with a version script."
            )
        default: return .passed(cases: 1)
        }
    }

    private func failed(_ what: String, _ advice: String) -> ConformanceOutcome {
        .failed(ConformanceFinding(what, at: "the file", advice: advice))
    }
}
