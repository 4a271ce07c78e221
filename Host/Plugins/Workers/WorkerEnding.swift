import Glibc
import HostPluginABI

/// How a worker's process ended.
struct WorkerEnding: Sendable, Equatable {
    enum Way: Sendable, Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    let way: Way
    /// The end of what it printed, at most 4 KiB, on one line and without control characters; not for clients.
    let printed: String

    init(_ way: Way, printed: String = "") {
        self.way = way
        self.printed = printed
    }

    /// What happened, in words, as they follow "its worker".
    var text: String {
        switch way {
        case .signalled(let signal):
            let name = Self.signals[signal]
            return "was ended by \(name?.0 ?? "signal \(signal)")" + (name.map { ": \($0.1)" } ?? "")
        case .exited(WorkerProtocol.ExitCode.hostIsGone): return "ended when the host closed a socket"
        case .exited(WorkerProtocol.ExitCode.badMessage): return "ended, for it did not understand the host"
        case .exited(WorkerProtocol.ExitCode.hostIsSilent): return "ended, for the host did not answer it"
        case .exited(WorkerProtocol.ExitCode.noSandbox): return "ended, for it has no sandbox"
        case .exited(127): return "could not be executed, or its libraries were not found"
        case .exited(let status): return "ended itself with status \(status)"
        }
    }

    private static let signals: [Int32: (String, String)] = [
        SIGSYS: ("SIGSYS", "it made a system call that is not allowed"),
        SIGSEGV: ("SIGSEGV", "it used memory that it does not have"),
        SIGBUS: ("SIGBUS", "it used memory that it does not have"),
        SIGILL: ("SIGILL", "it trapped"),
        SIGTRAP: ("SIGTRAP", "it trapped"),
        SIGFPE: ("SIGFPE", "it divided by zero or made another wrong calculation"),
        SIGABRT: ("SIGABRT", "it gave up, as a failed assertion or want of memory makes it do"),
        SIGKILL: ("SIGKILL", "the host, an operator or the system for want of memory did it"),
        SIGTERM: ("SIGTERM", "somebody ended it"),
        SIGXCPU: ("SIGXCPU", "it used more processor time than it may"),
        SIGXFSZ: ("SIGXFSZ", "it wrote to a file"),
    ]
}
