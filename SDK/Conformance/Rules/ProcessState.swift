#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A part of a process that plugins leave alone.
enum ProcessPart {
    case threads
    case signals
    case environment

    var advice: String {
        switch self {
        case .threads: "Compute inside of `op_step`; set GANTRY_PF_BLOCKING if it takes long."
        case .signals: "Leave signals to the host: it has handlers of its own, and so may others."
        case .environment: "Take configuration from `instance_new` and leave no trace in the process."
        }
    }
}

/// What a part of this process looks like, as facts with names.
struct ProcessState {
    private var facts: [(name: String, value: String)] = []

    /// Looks; nil if that is not allowed.
    init?(_ part: ProcessPart) {
        switch part {
        case .threads:
            guard let threads = Self.entries("/proc/self/task") else { return nil }
            facts = [("the number of threads", String(threads.count))]
        case .signals: lookAtSignals()
        case .environment: lookAtEnvironment()
        }
    }

    /// What is different later, in words; nil if nothing is.
    func change(to later: ProcessState) -> String? {
        for (fact, new) in zip(facts, later.facts) where fact.value != new.value {
            return "changed \(fact.name) from \(fact.value) to \(new.value)"
        }
        return nil
    }

    private mutating func lookAtSignals() {
        #if canImport(Glibc)
        for signal in 1...64 {
            var action = sigaction()
            guard sigaction(Int32(signal), nil, &action) == 0 else { continue }
            let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            facts.append(
                (
                    "the handler of signal \(signal)",
                    handler == 0
                        ? "the default" : handler == 1 ? "ignored" : "a function at \(String(handler, radix: 16))"
                )
            )
        }
        var mask = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &mask)
        let blocked = (1...64).filter { sigismember(&mask, Int32($0)) == 1 }
        facts.append(("the signal mask", "\(blocked)"))
        #endif
    }

    private mutating func lookAtEnvironment() {
        #if canImport(Glibc)
        var variables: [String] = []
        var next = environ
        while let entry = next.pointee {
            variables.append(String(cString: entry))
            next += 1
        }
        // A digest, since values may be secrets.
        let digest = variables.joined(separator: "\n").utf8.reduce(5381 as UInt64) { $0 &* 33 &+ UInt64($1) }
        facts.append(("the environment", "\(variables.count) variables (\(String(digest, radix: 16)))"))
        var path = [CChar](repeating: 0, count: 4096)
        facts.append(("the working folder", getcwd(&path, 4096).map { String(cString: $0) } ?? "none"))
        let descriptors = (0..<256).filter { fcntl(Int32($0), F_GETFD) != -1 }
        facts.append(("the open descriptors", "\(descriptors)"))
        facts.append(("the locale", setlocale(LC_ALL, nil).map { String(cString: $0) } ?? "none"))
        facts.append(("the rounding of floating-point numbers", String(fegetround())))
        let mask = umask(0o077)
        umask(mask)
        facts.append(("the umask", String(mask, radix: 8)))
        for (name, resource) in [
            ("RLIMIT_NOFILE", RLIMIT_NOFILE), ("RLIMIT_AS", RLIMIT_AS), ("RLIMIT_CORE", RLIMIT_CORE),
        ] {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { continue }
            facts.append(("the limit \(name)", String(limit.rlim_cur)))
        }
        #endif
    }

    private static func entries(_ folder: String) -> [String]? {
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
