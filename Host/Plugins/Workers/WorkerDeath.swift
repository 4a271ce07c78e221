import Glibc
import HostPluginABI

/// What a worker died of.
struct WorkerDeath: Sendable {
    let cause: PluginCrashCause
    /// One line, as it follows "its worker".
    let text: String
    /// The end of what it printed; for the log alone.
    let printed: String

    /// Waits for the end of a process that has closed its sockets or was killed; not on an event loop.
    ///
    /// - Parameters:
    ///   - process: The process.
    ///   - fault: Why the host ended it, if the host did.
    init(of process: WorkerProcess, fault: WorkerFault?) {
        let ending = process.waitForEnding()
        printed = ending?.printed ?? ""
        if let fault {
            (cause, text) = (fault.cause, fault.text)
        } else {
            (cause, text) = (Self.cause(of: ending), ending?.text ?? "closed its sockets and did not end")
        }
    }

    /// A worker that could not be started, or did not do what it was asked before it served.
    init(_ error: PluginError) {
        (cause, text, printed) = (.silence, error.message, "")
    }

    private static func cause(of ending: WorkerEnding?) -> PluginCrashCause {
        switch ending?.way {
        case .exited: .exit
        case .signalled(SIGSYS): .sandbox
        case .signalled(SIGKILL), .signalled(SIGTERM): .killed
        case .signalled: .signal
        case nil: .silence
        }
    }
}
