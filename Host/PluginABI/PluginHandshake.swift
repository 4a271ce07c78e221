import CGantryPlugin
import Glibc

/// Opens a plugin's library and checks its table, in the host and in workers alike.
package enum PluginHandshake {
    package typealias Entry = @convention(c) (_ hostMinor: UInt32) -> UnsafePointer<gantry_plugin>?

    package static let entrySymbol = "gantry_plugin_entry_v1"

    /// Opens a library, which runs code of it, and asks for its table.
    ///
    /// It is never unloaded: closing a Swift library crashes a Swift program at its next conformance look-up, and Go's
    /// and Rust's runtimes cannot be unloaded either.
    ///
    /// - Parameter path: The library's checked private copy.
    /// - Returns: The table, to be checked with ``check(_:)``; it lives as long as the process.
    /// - Throws: ``RefusedMessage`` with `.libraryRefused` or `.incompatible`; its message does not name the library.
    package static func open(_ path: String) throws(RefusedMessage) -> UnsafePointer<gantry_plugin> {
        let entry = try entry(of: path)
        guard let table = entry(GANTRY_ABI_MINOR) else {
            throw RefusedMessage(.incompatible, "it cannot work with ABI 1.\(GANTRY_ABI_MINOR).")
        }
        return table
    }

    /// The entry of a library, which is opened.
    ///
    /// - Parameter path: The library's checked private copy.
    /// - Returns: The function, which has not been called.
    /// - Throws: ``RefusedMessage`` with `.libraryRefused` or `.incompatible`; its message does not name the library.
    package static func entry(of path: String) throws(RefusedMessage) -> Entry {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            let reason = dlerror().map { String(cString: $0) } ?? "the loader refused it"
            throw RefusedMessage(.libraryRefused, "\(reason).")
        }
        guard let symbol = dlsym(handle, entrySymbol) else {
            throw RefusedMessage(
                .incompatible,
                "it has no \(entrySymbol): it is no Gantry plugin, or one for another ABI major."
            )
        }
        // The symbol's name carries the ABI's major version, which fixes this signature.
        return unsafeBitCast(symbol, to: Entry.self)
    }

    /// Checks that a table is complete and of a minor that this build has.
    /// - Throws: ``RefusedMessage`` with `.incompatible`; its message does not name the library.
    package static func check(_ pointer: UnsafePointer<gantry_plugin>) throws(RefusedMessage) {
        let size = pointer.pointee.size
        guard let required = MemoryLayout<gantry_plugin>.offset(of: \.op_free),
            Int(size) >= required + MemoryLayout<UnsafeRawPointer>.size
        else {
            throw RefusedMessage(.incompatible, "its table has \(size) bytes and ends before op_free.")
        }
        // Only now: an older table is shorter than the struct.
        let table = pointer.pointee
        guard table.needs_minor <= GANTRY_ABI_MINOR else {
            throw RefusedMessage(
                .incompatible,
                "it needs ABI 1.\(table.needs_minor), this host has 1.\(GANTRY_ABI_MINOR). Update the host."
            )
        }
        guard table.instance_new != nil, table.instance_free != nil, table.target_new != nil,
            table.target_free != nil, table.op_new != nil, table.op_step != nil, table.op_free != nil,
            table.id.isWellFormed, table.version.isWellFormed, table.describe.isWellFormed
        else { throw RefusedMessage(.incompatible, "its table has a null function or a malformed text.") }
    }
}
