#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What the checker needs of its process for a rule, taken before a sandbox is entered that gives no more.
///
/// It is never given back: the process is there for one rule, and a closed sandbox does not close descriptors.
package final class CheckerResources {
    /// Threads, if the rule needs some and they can be made.
    let threads: CheckerThreads?
    private let status: Int32
    private let sizes: Int32

    /// Takes what a rule needs.
    ///
    /// - Parameters:
    ///   - rule: The rule that is going to be checked.
    ///   - prepare: What each thread does before anything else, one after another: a sandbox is a thread's own.
    package init(for rule: ConformanceRule, prepare: @escaping () -> Bool = { true }) {
        status = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
        sizes = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        threads = rule.needsThreads ? CheckerThreads(prepare: prepare) : nil
    }

    /// What the kernel says of this process by name, as in proc_pid_status(5); nil where it says nothing.
    func processStatus() -> [String: String]? {
        guard let text = Self.text(status) else { return nil }
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            values[String(parts[0])] = String(parts[1].filter { !$0.isWhitespace })
        }
        return values
    }

    /// The data and stacks of the process in bytes; 0 where the kernel does not say.
    func dataBytes() -> Int {
        // proc_pid_statm(5): the sixth number, in pages.
        let numbers = Self.text(sizes)?.split(separator: " ") ?? []
        return numbers.count > 5 ? (Int(numbers[5]) ?? 0) * Int(getpagesize()) : 0
    }

    private static func text(_ descriptor: Int32) -> String? {
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
