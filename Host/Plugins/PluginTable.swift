import CGantryPlugin

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
        let table = pointer.pointee
        guard let required = MemoryLayout<gantry_plugin>.offset(of: \.op_free),
            Int(table.size) >= required + MemoryLayout<UnsafeRawPointer>.size
        else {
            throw PluginError(.incompatible, "\(library): its table has \(table.size) bytes and ends before op_free.")
        }
        guard table.needs_minor <= GANTRY_ABI_MINOR else {
            throw PluginError(
                .incompatible,
                "\(library): it needs ABI 1.\(table.needs_minor), this host has 1.\(GANTRY_ABI_MINOR). Update the host."
            )
        }
        guard table.instance_new != nil, table.instance_free != nil, table.target_new != nil,
            table.target_free != nil, table.op_new != nil, table.op_step != nil, table.op_free != nil,
            table.id.isWellFormed, table.version.isWellFormed, table.describe.isWellFormed
        else { throw PluginError(.incompatible, "\(library): its table has a null function or a malformed text.") }
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
