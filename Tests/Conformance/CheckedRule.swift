import Foundation
import GantryPlugin
import PluginConformance
import Testing

/// One rule as checked in a process of its own.
struct CheckedRule {
    /// What came of it; nil if the process died.
    let outcome: ConformanceOutcome?
    /// The number of the signal that ended the process; 0 if none did.
    let signal: Int32
    /// Where the process was when it died or came to its end.
    let place: String

    init(_ rule: String, of library: URL, scripts: URL? = nil) throws {
        let runner = try #require(Bundle.main.executableURL).deletingLastPathComponent()
            .appending(path: "conformance-runner")
        let result = try ChildProcess.run(runner, [library.path, rule] + (scripts.map { [$0.path] } ?? []))
        let lines = result.output.split(separator: "\n")
        signal = max(0, -result.status)
        place = lines.last { $0.hasPrefix("at: ") }.map { String($0.dropFirst(4)) } ?? ""
        guard result.status == 0 else {
            outcome = nil
            return
        }
        outcome = ConformanceResult(json: try JSON(parsing: Array(try #require(lines.last).utf8)))?.outcome
    }

    /// What was found wrong, if something was.
    var finding: ConformanceFinding? {
        guard case .failed(let finding) = outcome else { return nil }
        return finding
    }
}
