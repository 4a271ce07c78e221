import CGantryPlugin
import Glibc
import HostFunctions
import HostPluginABI

/// A plugin's shared library in this process.
///
/// It is never unloaded.
struct PluginLibrary: Sendable {
    let table: PluginTable
    /// The plain functions of the manifest that it was opened for; nil if there are none.
    var functions: FunctionTable?

    /// Stands for a library whose code is already in the process.
    init(table: PluginTable) { self.table = table }

    /// Opens a checked copy of a library.
    ///
    /// - Parameter image: The private copy.
    /// - Throws: ``PluginError`` with `.libraryRefused` or `.incompatible`.
    init(_ image: PluginImage) throws(PluginError) { table = try Self.open(image) }

    /// The same library with the functions of one manifest.
    func with(_ functions: FunctionsImage?) throws(PluginError) -> PluginLibrary {
        var library = self
        library.functions = try functions.map { (functions) throws(PluginError) in try functions.open() }
        return library
    }

    private static func open(_ image: PluginImage) throws(PluginError) -> PluginTable {
        let pointer: UnsafePointer<gantry_plugin>
        do throws(RefusedMessage) {
            pointer = try PluginHandshake.open(image.path)
        } catch {
            throw PluginError(error, library: image.origin)
        }
        return try PluginTable(pointer, library: image.origin, sha256: image.sha256)
    }
}

/// The text of the last failed system call.
func systemMessage() -> String { String(cString: strerror(errno)) }

extension PluginError {
    /// What a library was refused for.
    init(_ refusal: RefusedMessage, library: String) {
        let code: Code = refusal.reason == .incompatible ? .incompatible : .libraryRefused
        self.init(code, "\(library): \(refusal.message)")
    }
}
