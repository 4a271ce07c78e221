import CGantryPlugin

/// Why a library could not be opened.
package struct UnopenedLibrary: Error {
    let reason: String

    /// Makes an error; the reason is a sentence.
    package init(_ reason: String) { self.reason = reason }
}

/// A plugin under test.
package struct ConformanceSubject {
    /// A library's `gantry_plugin_entry_v1`.
    package typealias Entry = @convention(c) (_ hostMinor: UInt32) -> UnsafePointer<gantry_plugin>?

    /// Opens the library, once, after the process has been looked at.
    let open: () throws(UnopenedLibrary) -> Entry
    /// Gives up what a worker gives up; nil where nothing can be given up.
    let seal: (() -> Bool)?
    let resources: CheckerResources

    /// Makes a subject.
    ///
    /// - Parameters:
    ///   - resources: What the checker needs of the process.
    ///   - seal: Gives up what a worker gives up, and says whether that could be done; nil where there is no sandbox.
    ///   - open: Opens the library and finds its entry.
    package init(
        _ resources: CheckerResources,
        seal: (() -> Bool)? = nil,
        open: @escaping () throws(UnopenedLibrary) -> Entry
    ) {
        self.resources = resources
        self.seal = seal
        self.open = open
    }
}

/// Checks one rule in this process, which should be a fresh one: what the plugin does to it is not undone.
package struct ConformanceRun {
    private let scripts: [ConformanceScript]
    private let parameters: [String: String]
    private let progress: (String) -> Void

    /// Makes a run.
    ///
    /// - Parameters:
    ///   - scripts: What the plugin is put through; if there are none, scripts are made for the operations it serves.
    ///   - parameters: Parameters of the deployment by name, as JSON or as text; the rest is guessed from `describe`.
    ///   - progress: Told where the run is, so that a crash can be put down to something.
    package init(
        scripts: [ConformanceScript] = [],
        parameters: [String: String] = [:],
        progress: @escaping (String) -> Void = { _ in }
    ) {
        self.scripts = scripts
        self.parameters = parameters
        self.progress = progress
    }

    /// Checks a plugin against a rule.
    package func check(_ rule: ConformanceRule, _ subject: ConformanceSubject) -> ConformanceOutcome {
        let context = RuleContext(subject: subject, scripts: scripts, parameters: parameters, progress: progress)
        do throws(RuleStop) {
            let cases = try rule.check(context)
            return cases > 0 ? .passed(cases: cases) : .skipped("no script came to what this rule is about")
        } catch {
            switch error {
            case .finding(let finding): return .failed(finding)
            case .skip(let reason): return .skipped(reason)
            }
        }
    }
}
