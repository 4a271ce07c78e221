import CGantryPlugin
import Glibc

/// A plugin's shared library in this process.
///
/// It is never unloaded: closing a Swift library crashes a Swift host at its next conformance look-up, and Go's and
/// Rust's runtimes cannot be unloaded either.
struct PluginLibrary: Sendable {
    let table: PluginTable

    /// Stands for a library whose code is already in the process.
    init(table: PluginTable) { self.table = table }

    /// Opens a checked copy of a library.
    ///
    /// - Parameter image: The private copy.
    /// - Throws: ``PluginError`` with `.libraryRefused` or `.incompatible`.
    init(_ image: PluginImage) throws(PluginError) { table = try Self.open(image) }

    private static func open(_ image: PluginImage) throws(PluginError) -> PluginTable {
        let library = image.origin
        guard let handle = dlopen(image.path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            throw PluginError(.libraryRefused, "\(library): \(loaderMessage()).")
        }
        guard let symbol = dlsym(handle, PluginImage.entrySymbol) else {
            throw PluginError(
                .incompatible,
                "\(library): it has no \(PluginImage.entrySymbol): it is no Gantry plugin, or one for another ABI major."
            )
        }
        typealias Entry = @convention(c) (UInt32) -> UnsafePointer<gantry_plugin>?
        // The symbol's name carries the ABI's major version, which fixes this signature.
        let entry = unsafeBitCast(symbol, to: Entry.self)
        guard let pointer = entry(GANTRY_ABI_MINOR) else {
            throw PluginError(.incompatible, "\(library): it cannot work with ABI 1.\(GANTRY_ABI_MINOR).")
        }
        return try PluginTable(pointer, library: library, sha256: image.sha256)
    }

    private static func loaderMessage() -> String {
        dlerror().map { String(cString: $0) } ?? "the loader refused it"
    }
}

/// The text of the last failed system call.
func systemMessage() -> String { String(cString: strerror(errno)) }
