import GantryPlugin
import Glibc
import PluginConformance

/// Checks one rule of one library in this process, for tests: a library that breaks a rule may take the process with it.
///
///     conformance-runner LIBRARY RULE [SCRIPTS]
///
/// Prints where it is, line by line, and the result as JSON in the end.
@main
struct ConformanceRunner {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let rule = ConformanceRule.named(arguments[2]) else {
            say("usage: conformance-runner LIBRARY RULE [SCRIPTS]")
            exit(64)
        }
        var scripts: [ConformanceScript] = []
        if arguments.count > 3 {
            do {
                scripts = try ConformanceScript.parse(contents(of: arguments[3]))
            } catch {
                say("\(arguments[3]): \(error)")
                exit(65)
            }
        }
        let subject = ConformanceSubject(CheckerResources(for: rule)) { () throws(UnopenedLibrary) in
            guard let handle = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE),
                let entry = dlsym(handle, "gantry_plugin_entry_v1")
            else { throw UnopenedLibrary(dlerror().map { String(cString: $0) } ?? "it has no entry.") }
            return unsafeBitCast(entry, to: ConformanceSubject.Entry.self)
        }
        let run = ConformanceRun(scripts: scripts) { say("at: \($0)") }
        let result = ConformanceResult(rule: rule.name, outcome: run.check(rule, subject))
        say(String(decoding: result.json.serialized(), as: UTF8.self))
    }

    /// Writes a line at once: what is buffered is lost in a crash.
    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(STDOUT_FILENO, bytes, bytes.count)
    }

    private static func contents(of path: String) -> [UInt8] {
        var bytes: [UInt8] = []
        guard let file = fopen(path, "r") else { return bytes }
        defer { fclose(file) }
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return bytes
    }
}
