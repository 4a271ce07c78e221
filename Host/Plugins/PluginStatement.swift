import CGantryPlugin
import FoundationEssentials
import Glibc
import HostCore
import HostPluginABI

/// What a plugin says of itself when it is asked in a process of its own that may do nothing.
package struct PluginStatement: Sendable {
    package let id: String
    package let version: String
    /// The ABI that it was built against, such as `1.0`.
    package let abi: String
    /// What it serves, in the order of the ABI.
    package let operations: [OperationKind]
    /// Those of its flags that have names, in lower-case words.
    package let flags: [String]

    /// Opens a library in a worker that ends at once.
    ///
    /// - Parameters:
    ///   - library: The library, whose form has been checked.
    ///   - worker: The path of `gantry-worker`.
    ///   - limits: What the worker may use.
    /// - Throws: ``PluginError`` if the library is no plugin for this host, or the worker did not get so far as to say.
    package init(
        asking library: LibraryFile,
        worker: String,
        limits: PluginLimits = PluginLimits()
    ) throws(PluginError) {
        let folder = try Self.makeFolder()
        defer { Self.remove(folder) }
        let copy = try PluginImage.store(library.bytes, sha256: library.sha256, runDirectory: folder)
        let facts: FactsMessage
        do {
            facts = try WorkerProcess.inspect(
                copy,
                executable: worker,
                memoryLimitInBytes: UInt64(limits.memoryInBytes)
            )
        } catch let refusal as RefusedMessage {
            throw PluginError(refusal, library: library.path)
        } catch {
            throw PluginError(.libraryRefused, "\(library.path): its plugin could not be asked: \(worker): \(error).")
        }
        // What it describes has to be what the host understands, too.
        let understood = try facts.description.withUnsafeBytes { describe in
            Result { () throws(PluginError) in
                try PluginFacts(
                    id: facts.id,
                    version: facts.version,
                    operations: facts.operations,
                    flags: facts.flags,
                    describe: describe,
                    sha256: library.sha256,
                    library: library.path
                )
            }
        }.get()
        id = facts.id
        version = facts.version
        abi = "1.\(facts.abiMinor)"
        operations = OperationKind.allCases.filter(understood.serves)
        flags = Self.names.filter { facts.flags & UInt32($0.flag) != 0 }.map(\.name)
    }

    private static let names: [(flag: Int, name: String)] = [
        (GANTRY_PF_PARALLEL, "parallel"), (GANTRY_PF_BLOCKING, "blocking"), (GANTRY_PF_OPENAI_WIRE, "openai wire"),
        (GANTRY_PF_ONE_PER_PROCESS, "one per process"),
    ]

    /// A folder that only this user can look into.
    static func makeFolder() throws(PluginError) -> String {
        let base = FileManager.default.temporaryDirectory.path
        var template = Array("\(base)/gantry-plugin-XXXXXX".utf8CString)
        guard let path = mkdtemp(&template) else {
            throw PluginError(.libraryRefused, "\(base): \(systemMessage()). Check TMPDIR.")
        }
        return String(cString: path)
    }

    static func remove(_ folder: String) {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            // It is in the folder for what is temporary, and empty but for a copy that nobody else can read.
            return
        }
    }
}
