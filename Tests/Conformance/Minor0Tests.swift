import Foundation
import PluginConformance
import Testing

/// A plugin that was built against ABI 1.0, on a host of today.
struct Minor0Tests {
    private static var machine: String? {
        #if arch(x86_64) && os(Linux)
        "x86_64"
        #elseif arch(arm64) && os(Linux)
        "aarch64"
        #else
        nil
        #endif
    }

    @Test(.enabled(if: machine != nil, "there is no plugin of 1.0 for this machine"))
    func itKeepsEveryRuleOfToday() throws {
        let machine = try #require(Self.machine)
        let library = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/Minor0/minor0-\(machine).so").standardized
        for rule in ConformanceRule.all where rule.name != "sandbox" {
            let checked = try CheckedRule(rule.name, of: library)
            guard case .passed(let cases) = checked.outcome else {
                Issue.record("\(rule.name): \(String(describing: checked.outcome)), signal \(checked.signal)")
                continue
            }
            #expect(cases > 0, "\(rule.name)")
        }
    }
}
