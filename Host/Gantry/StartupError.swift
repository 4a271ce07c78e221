import ArgumentParser
import Foundation
import Glibc
import HostConfig
import HostDatabase
import HostPlugins
import HostRegistry
import HostTransfer
import HostUpstream
import HostWatch
import NIOCore

/// Why the gateway did not start, as the one line that its operator reads.
struct StartupError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// Says what an error means for a start.
    init(_ error: any Error, listeningOn address: String) {
        description =
            switch error {
            case let error as StartupError: error.description
            case let error as ConfigurationError: error.description
            case let error as PluginError: error.message
            case let error as DatabaseError: error.message
            case let error as RegistryError: error.detailedMessage
            case let error as SpoolError: error.message
            case let error as UpstreamError: error.message
            case let error as WatchError: "the configuration cannot be watched: \(error)"
            case let error as IOError where error.errnoCode == EADDRINUSE:
                "\(address): something else listens there already. Stop it or choose another --port."
            case let error as IOError where error.errnoCode == EACCES:
                "\(address): the system does not allow to listen there. Choose a --port above 1023."
            case let error as IOError:
                "\(address): \(String(cString: strerror(error.errnoCode))). Check --host and --port."
            default: "\(address): cannot listen there: \(error)"
            }
    }

    /// Prints the line to standard error and makes the exit code of a failed start.
    func exit() -> ExitCode { Self.exit([description]) }

    /// Prints a line to standard error for everything that is wrong.
    static func exit(_ problems: [String]) -> ExitCode {
        for problem in problems {
            let line = "gantry: " + String(problem.map { $0.isNewline ? " " : $0 }) + "\n"
            FileHandle.standardError.write(Data(line.utf8))
        }
        return ExitCode(2)
    }
}
