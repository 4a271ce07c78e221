import HostFunctions

/// A private copy of a library of plain C functions whose bytes were checked and hashed; no code of it has run.
struct FunctionsImage: Sendable {
    /// The private copy, where the library came from, and the functions that are used.
    let plan: FunctionPlan
    /// The private copy, which goes with the last image of it.
    let copy: LibraryCopy
    /// Lower-case hexadecimal SHA-256 of the bytes that were copied.
    let sha256: String

    /// Checks and copies a library.
    ///
    /// - Parameters:
    ///   - functions: The manifest's claims.
    ///   - definition: The rest of the manifest.
    ///   - runDirectory: Where the private copy is put.
    /// - Throws: ``PluginError`` with `.libraryRefused` or `.untrusted`.
    init(
        _ functions: FunctionsDefinition,
        of definition: PluginDefinition,
        runDirectory: String
    ) throws(PluginError) {
        let library = try LibraryFile(functions, of: definition)
        sha256 = library.sha256
        copy = try LibraryCopy(library.bytes, sha256: sha256, runDirectory: runDirectory)
        plan = FunctionPlan(
            path: copy.path,
            name: library.path,
            bindings: functions.bindings
        )
    }

    /// Opens the copy in this process and binds its functions.
    ///
    /// - Returns: The functions.
    /// - Throws: ``PluginError`` with `.libraryRefused`.
    func open() throws(PluginError) -> FunctionTable {
        do throws(FunctionError) {
            return try plan.open()
        } catch {
            throw PluginError(.libraryRefused, error.message)
        }
    }
}

extension LibraryFile {
    /// Reads a library of plain functions and checks all that can be checked before any of its code runs.
    ///
    /// - Parameters:
    ///   - functions: The manifest's claims.
    ///   - definition: The rest of the manifest.
    /// - Throws: ``PluginError`` with `.libraryRefused` or `.untrusted`.
    package init(_ functions: FunctionsDefinition, of definition: PluginDefinition) throws(PluginError) {
        try self.init(functions.libraryPath)
        try check(pinned: functions.sha256, by: definition.manifestPath)
        try checkFunctions(functions.bindings)
        try definition.trust?.check(definition, library: self, as: .functionsLibrary)
    }

    /// Refuses what is no library of this machine's, or lacks a function; none of its code runs.
    ///
    /// The functions that free results may also come from a library that it is linked with, such as the C library.
    ///
    /// - Throws: ``PluginError`` with `.libraryRefused`.
    package func checkFunctions(_ bindings: FunctionBindings) throws(PluginError) {
        let functions: [String]
        do throws(ELFInspection.Refusal) {
            functions = try ELFInspection(bytes).exportedFunctions
        } catch {
            throw PluginError(.libraryRefused, "\(path): \(error.reason).")
        }
        for binding in bindings.hooks + bindings.functions where !functions.contains(binding.symbol) {
            let shown = functions.sorted().prefix(8).joined(separator: ", ")
            let more = functions.count > 8 ? " and \(functions.count - 8) more" : ""
            throw PluginError(
                .libraryRefused,
                "\(path): it has no function \(binding.symbol), which \(binding.name) is bound to. It has "
                    + "\(functions.isEmpty ? "none" : shown + more)."
            )
        }
    }
}
