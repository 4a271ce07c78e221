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
    init?(_ part: ProcessPart, _ resources: CheckerResources) {
        guard let status = resources.processStatus() else { return nil }
        switch part {
        case .threads: add("the number of threads", status["Threads"])
        case .signals:
            add("the caught signals", status["SigCgt"].map(Self.signals))
            add("the ignored signals", status["SigIgn"].map(Self.signals))
            add("the blocked signals", status["SigBlk"].map(Self.signals))
        case .environment:
            add("the umask", status["Umask"])
            lookAtEnvironment()
        }
    }

    private mutating func add(_ name: String, _ value: String?) { facts.append((name, value ?? "unknown")) }

    /// The numbers of the signals in a mask.
    private static func signals(_ mask: String) -> String {
        guard let bits = UInt64(mask, radix: 16) else { return mask }
        return bits == 0
            ? "none" : (1...64).filter { bits & (1 << UInt64($0 - 1)) != 0 }.map(String.init).joined(separator: ", ")
    }

    /// What is different later, in words; nil if nothing is.
    func change(to later: ProcessState) -> String? {
        for (fact, new) in zip(facts, later.facts) where fact.value != new.value {
            return "changed \(fact.name) from \(fact.value) to \(new.value)"
        }
        return nil
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
        var file = stat()
        let descriptors = (0..<256).filter { fstat(Int32($0), &file) == 0 }
        facts.append(("the open descriptors", "\(descriptors)"))
        facts.append(("the locale", setlocale(LC_ALL, nil).map { String(cString: $0) } ?? "none"))
        facts.append(("the rounding of floating-point numbers", String(fegetround())))
        for (name, resource) in [
            ("RLIMIT_NOFILE", RLIMIT_NOFILE), ("RLIMIT_AS", RLIMIT_AS), ("RLIMIT_CORE", RLIMIT_CORE),
        ] {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { continue }
            facts.append(("the limit \(name)", String(limit.rlim_cur)))
        }
        #endif
    }
}
