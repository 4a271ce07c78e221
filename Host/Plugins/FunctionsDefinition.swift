import HostFunctions

/// What a manifest says of plain C functions, with the path resolved.
package struct FunctionsDefinition: Sendable, Hashable {
    package let libraryPath: String
    /// Lower-case hexadecimal; nil if the manifest does not pin one.
    package let sha256: String?
    package let bindings: FunctionBindings

    /// Makes a definition.
    package init(libraryPath: String, sha256: String?, bindings: FunctionBindings) {
        self.libraryPath = libraryPath
        self.sha256 = sha256
        self.bindings = bindings
    }
}
