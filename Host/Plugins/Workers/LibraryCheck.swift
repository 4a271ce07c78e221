import CGantryPlugin
import HostPluginABI
import Synchronization

/// Puts a library through the rules of the ABI, each in a fresh worker, so that what ends the worker is a result too.
package final class LibraryCheck: Sendable {
    /// What came of one rule.
    package enum Outcome: Sendable {
        /// What the checker found, as `ConformanceResult` encodes it.
        case checked([UInt8])
        /// The worker ended or was ended: how, in words that follow "it", and where the check was.
        case ended(what: String, place: String)
    }

    /// So much memory a plugin may map while it is checked, beside what the checker itself needs.
    private static let memoryLimitInBytes: UInt64 = 1 << 30

    private let folder: String
    private let image: String
    private let executable: String

    /// Copies a library whose form was found good to where only this user can change it, for as long as this lives.
    ///
    /// - Parameters:
    ///   - library: The library.
    ///   - executable: The path of `gantry-worker`.
    /// - Throws: ``PluginError`` if the copy cannot be written.
    package init(_ library: LibraryFile, executable: String) throws(PluginError) {
        let folder = try PluginStatement.makeFolder()
        do throws(PluginError) {
            image = try PluginImage.store(library.bytes, sha256: library.sha256, runDirectory: folder)
        } catch {
            PluginStatement.remove(folder)
            throw error
        }
        self.folder = folder
        self.executable = executable
    }

    deinit { PluginStatement.remove(folder) }

    private static func withoutSubject(_ message: String) -> String {
        message.hasPrefix("it ") ? String(message.dropFirst(3)) : message
    }

    /// Checks one rule; waits for it, so it is not for an event loop.
    ///
    /// - Parameters:
    ///   - rule: The rule's name.
    ///   - scripts: The text of scripts; empty for those that the checker makes.
    ///   - parameters: Parameters of the deployment by name.
    ///   - limit: How long it may take.
    /// - Returns: What came of it.
    /// - Throws: ``PluginError`` if no worker can be started, or it refuses to check.
    package func run(
        _ rule: String,
        scripts: [UInt8],
        parameters: [(name: String, value: String)],
        limit: Duration
    ) throws(PluginError) -> Outcome {
        let message = CheckMessage(
            path: image,
            memoryLimitInBytes: Self.memoryLimitInBytes,
            rule: rule,
            scripts: scripts,
            parameters: parameters
        )
        let progress = CheckProgress()
        do {
            let worker = try WorkerProcess(executable: executable, dataSockets: 0)
            defer { worker.kill() }
            return .checked(try worker.check(message, progress, within: limit))
        } catch let refusal as RefusedMessage {
            throw PluginError(.libraryRefused, "\(rule): \(refusal.message)")
        } catch let error as WorkerProcessError where error.code != .cannotStart {
            return .ended(what: Self.withoutSubject(error.message), place: progress.place)
        } catch {
            throw PluginError(
                .libraryRefused,
                "\(error). `gantry-worker` has to lie beside `gantry`, from the same build."
            )
        }
    }
}

/// Remembers where a check is.
private final class CheckProgress: WorkerServices {
    private static let maximumBytes = 512
    private let latest = Mutex("before its first call")

    var place: String { latest.withLock { $0 } }

    func answer(_ call: CallMessage) -> OutgoingMessage {
        ReturnMessage(
            status: Status.unsupported,
            length: 0,
            result: UnsafeRawBufferPointer(start: nil, count: 0)
        ).message()
    }

    func log(_ level: UInt32, _ message: gantry_slice, _ fields: UnsafePointer<gantry_pair>?, _ count: Int) {
        let text = String(lent: message.prefix(Self.maximumBytes))
        latest.withLock { $0 = text }
    }
}

extension LibraryFile {
    /// The only symbol that a plugin exports.
    package static let entrySymbol = PluginHandshake.entrySymbol
}
