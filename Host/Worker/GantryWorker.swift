import CSandbox
import Glibc
import HostPluginABI

/// Runs one plugin in a sandbox and steps its operations for the host that started it.
///
/// It is started by the host alone, with the descriptors of ``WorkerProtocol``.
@main
enum GantryWorker {
    static func main() {
        var socketType: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(WorkerProtocol.controlDescriptor, SOL_SOCKET, SO_TYPE, &socketType, &length) == 0 else {
            WorkerExit.end(WorkerProtocol.ExitCode.badMessage, "this program is started by gantry, not by hand")
        }
        var what: UnsafePointer<CChar>?
        let failure = gantry_sandbox_watch_lifeline(WorkerProtocol.lifelineDescriptor, &what)
        guard failure == 0 else {
            WorkerExit.end(WorkerProtocol.ExitCode.noSandbox, systemCallFailure(what, failure))
        }
        gantry_sandbox_warm_up()
        Worker().run()
    }
}

/// How the process ends by itself.
enum WorkerExit {
    /// Says why on standard error, of which the host keeps the last lines, and ends the process.
    static func end(_ code: Int32, _ reason: String? = nil) -> Never {
        if let reason {
            var line = "gantry-worker: \(reason)\n"
            // Nobody is left to hear of a failure to write.
            line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
        }
        // Not exit(): a plugin's destructors have nothing to do here.
        _exit(code)
    }

    /// Ends the process because of bytes that no host of this build sends.
    static func end(_ error: WireError, in kind: WorkerProtocol.Kind? = nil) -> Never {
        let name = kind.map { "\($0): " } ?? ""
        end(WorkerProtocol.ExitCode.badMessage, "the host sent what is no message: \(name)\(error)")
    }
}

/// What failed, in words.
func systemCallFailure(_ what: UnsafePointer<CChar>?, _ number: Int32) -> String {
    let call = what.map { String(cString: $0) } ?? "a system call"
    return "\(call): \(String(cString: strerror(number)))"
}
