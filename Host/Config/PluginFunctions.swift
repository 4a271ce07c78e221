import HostFunctions

/// What a manifest says of plain C functions.
package struct PluginFunctions: Sendable, Hashable {
    /// The library as written: a name, or a relative or absolute path.
    package let library: String
    /// 64 lower-case hexadecimal digits; nil if the library is not pinned.
    package let sha256: String?
    /// Which functions are bound; one at least.
    package let bindings: FunctionBindings

    /// Makes functions.
    package init(library: String, sha256: String?, bindings: FunctionBindings) {
        self.library = library
        self.sha256 = sha256
        self.bindings = bindings
    }
}
