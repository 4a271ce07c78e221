import CGantryPlugin

/// What a rule works with.
final class RuleContext {
    let subject: ConformanceSubject
    let parameters: [String: String]
    private let givenScripts: [ConformanceScript]
    private let progress: (String) -> Void
    private var opened: UnsafePointer<gantry_plugin>?
    private var preparedScripts: [ConformanceScript]?

    init(
        subject: ConformanceSubject,
        scripts: [ConformanceScript],
        parameters: [String: String],
        progress: @escaping (String) -> Void
    ) {
        self.subject = subject
        self.parameters = parameters
        self.progress = progress
        givenScripts = scripts
    }

    /// Threads to call the plugin on.
    func threads() throws(RuleStop) -> CheckerThreads {
        guard let threads = subject.resources.threads else { throw .skip("no threads can be made here") }
        return threads
    }

    /// Notes where the run is, in case that the plugin takes the process with it.
    func note(_ place: String) { progress(place) }

    /// Opens the library and asks for its table, once.
    func entry() throws(RuleStop) -> ConformanceSubject.Entry {
        note("opening the library")
        do throws(UnopenedLibrary) {
            return try subject.open()
        } catch {
            throw .broken(
                "The library cannot be opened: \(error.reason)",
                at: "dlopen",
                advice: "Link it with `-z defs` and everything that it needs, and export `gantry_plugin_entry_v1`."
            )
        }
    }

    /// The plugin's table, checked as far as every rule needs it.
    func table() throws(RuleStop) -> UnsafePointer<gantry_plugin> {
        if let opened { return opened }
        let entry = try entry()
        note("gantry_plugin_entry_v1(\(GANTRY_ABI_MINOR))")
        guard let table = entry(GANTRY_ABI_MINOR) else {
            throw .broken(
                "The entry returns NULL to a host of ABI 1.\(GANTRY_ABI_MINOR).",
                at: "gantry_plugin_entry_v1",
                advice: "Return the table unless the host's minor is smaller than what the plugin needs."
            )
        }
        try EntryRules.check(table, hostMinor: GANTRY_ABI_MINOR)
        opened = table
        return table
    }

    /// The scripts whose operations the plugin serves, with parameters it accepts.
    func scripts() throws(RuleStop) -> [ConformanceScript] {
        if let preparedScripts { return preparedScripts }
        let table = try table()
        let served = table.pointee.ops
        let sources = givenScripts.isEmpty ? BuiltInScripts.all(for: served) : givenScripts
        var scripts: [ConformanceScript] = []
        var negotiated: [UInt8]?
        for var script in sources where served & (1 << UInt64(script.operation)) != 0 {
            if script.parameters == nil {
                if negotiated == nil { negotiated = try ParameterGuess(self).parameters(script.configuration) }
                script.parameters = negotiated
            }
            scripts.append(script)
        }
        guard !scripts.isEmpty else {
            throw .skip("no script is about an operation that the plugin serves")
        }
        preparedScripts = scripts
        return scripts
    }

    /// Runs a body for each script, and counts the cases.
    func eachScript(
        _ body: (ConformanceScript) throws(RuleStop) -> Int
    ) throws(RuleStop) -> Int {
        var cases = 0
        for script in try scripts() {
            note(script.name)
            cases += try body(script)
        }
        return cases
    }

    /// Makes an instance and a target for a script.
    func session(_ script: ConformanceScript) throws(RuleStop) -> PluginSession {
        try PluginSession(
            try table(),
            configuration: script.configuration ?? Array("{}".utf8),
            parameters: script.parameters ?? Array("{}".utf8),
            name: script.name
        )
    }

    /// The commands of a script as they are when nothing is done to it.
    func baseline(_ script: ConformanceScript) throws(RuleStop) -> [OperationRun.Step] {
        let session = try session(script)
        let run = try session.begin(script)
        while let event = run.next(), run.steps.count < OperationRun.maximumEvents {
            note("\(script.name), event \(run.steps.count + 1) (\(event.name))")
            run.deliver(event)
        }
        run.free()
        session.close()
        return run.steps
    }

    /// What the host's functions noticed.
    func checkHost(_ session: PluginSession, _ place: String) throws(RuleStop) {
        guard let violation = session.host.violations.first else { return }
        throw .broken(
            "The plugin \(violation).",
            at: place,
            advice: "Call the host's functions only from inside a call of the host, with readable memory."
        )
    }
}
