import CGantryPlugin
import HostPluginABI

/// A plugin's table of functions after the handshake.
///
/// `@unchecked Sendable`: the table is constant for the life of the image, which is never unloaded.
struct PluginTable: @unchecked Sendable {
    let pointer: UnsafePointer<gantry_plugin>
    let facts: PluginFacts

    /// Checks a plugin's table against this host.
    ///
    /// - Parameters:
    ///   - pointer: What the library's entry returned.
    ///   - library: The library's path, for messages.
    ///   - sha256: Of the library's bytes; empty if its code came with the process.
    /// - Throws: ``PluginError`` with `.incompatible`.
    init(_ pointer: UnsafePointer<gantry_plugin>, library: String, sha256: String = "") throws(PluginError) {
        do throws(RefusedMessage) {
            try PluginHandshake.check(pointer)
        } catch {
            throw PluginError(error, library: library)
        }
        let table = pointer.pointee
        self.pointer = pointer
        facts = try PluginFacts(
            id: String(lent: table.id),
            version: String(lent: table.version),
            operations: table.ops,
            flags: table.flags,
            describe: UnsafeRawBufferPointer(lent: table.describe),
            sha256: sha256,
            library: library
        )
    }
}
