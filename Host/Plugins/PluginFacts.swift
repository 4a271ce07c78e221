import CGantryPlugin

/// What a plugin says of itself, wherever its code runs.
package struct PluginFacts: Sendable {
    /// Equals the manifest's.
    package private(set) var id: String
    /// Equals the manifest's.
    package private(set) var version: String
    /// Lower-case hexadecimal SHA-256 of the library's bytes; empty if its code came with the process.
    package let sha256: String
    /// What is said in `describe`.
    private(set) var description: PluginDescription
    /// The bits of `gantry_plugin.ops`.
    private var operationBits: UInt64
    /// The bits of `gantry_plugin.flags`.
    private let flags: UInt32

    /// Reads a plugin's own words.
    ///
    /// - Parameters:
    ///   - id: Text of its table.
    ///   - version: Text of its table.
    ///   - operations: The bits of `gantry_plugin.ops`.
    ///   - flags: The bits of `gantry_plugin.flags`.
    ///   - describe: JSON; empty if it describes nothing.
    ///   - sha256: Of the library's bytes.
    ///   - library: The library's path, for messages.
    /// - Throws: ``PluginError`` with `.incompatible`.
    init(
        id: String,
        version: String,
        operations: UInt64,
        flags: UInt32,
        describe: UnsafeRawBufferPointer,
        sha256: String,
        library: String
    ) throws(PluginError) {
        self.id = id
        self.version = version
        self.sha256 = sha256
        self.flags = flags
        operationBits = operations
        description = try PluginDescription(json: describe, library: library)
    }

    /// The kinds of operations that the plugin serves.
    package var operations: Set<OperationKind> { Set(OperationKind.allCases.filter(serves)) }

    /// Whether the plugin serves this kind of operation.
    package func serves(_ kind: OperationKind) -> Bool { operationBits & (1 << UInt64(kind.rawValue)) != 0 }

    /// Operations of one instance may run at the same time.
    var isParallel: Bool { flags & UInt32(GANTRY_PF_PARALLEL) != 0 }
    /// A step may compute for long.
    var isBlocking: Bool { flags & UInt32(GANTRY_PF_BLOCKING) != 0 }

    /// A second copy of the code in a process does not work.
    var isOnePerProcess: Bool { flags & UInt32(GANTRY_PF_ONE_PER_PROCESS) != 0 }

    /// Refuses a library that is not what its manifest says.
    func check(against definition: PluginDefinition) throws(PluginError) {
        // A library that serves many providers is known by its own id, and each manifest has a version of its own.
        let id = definition.profile?.adapter ?? definition.id
        let version = definition.profile == nil ? definition.version : self.version
        guard self.id == id, self.version == version else {
            throw PluginError(
                .libraryRefused,
                "\(definition.libraryPath): it is \(self.id) \(self.version), the manifest "
                    + "\(definition.manifestPath) says \(id) \(version)."
            )
        }
    }

    /// What the plugin says of itself as an instance for the manifest's provider.
    func adapted(to definition: PluginDefinition) -> PluginFacts {
        guard let profile = definition.profile else { return self }
        var facts = self
        facts.id = definition.id
        facts.version = definition.version
        facts.description = description.adapted(to: profile)
        facts.operationBits &= profile.operations.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
        return facts
    }
}
