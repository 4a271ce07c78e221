/// A function of a library, and the name under which it is bound.
package struct FunctionBinding: Sendable, Hashable {
    /// A hook's name, or the one that callers of the function use.
    package let name: String
    /// The C name of the function.
    package let symbol: String
    package let signature: FunctionSignature

    /// Makes a binding.
    package init(name: String, symbol: String, signature: FunctionSignature) {
        self.name = name
        self.symbol = symbol
        self.signature = signature
    }

    /// Whether this can be the name of a C function, or of another language's as the linker sees it.
    package static func isSymbol(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first) else { return false }
        return text.utf8.count <= 256 && text.utf8.allSatisfy(isSymbolByte)
    }

    static func isSymbolByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}

/// The functions of one plugin: those of its hooks, by hook, and those that can be called from outside.
package struct FunctionBindings: Sendable, Hashable {
    /// Each has the name of a hook.
    package var hooks: [FunctionBinding]
    package var functions: [FunctionBinding]

    /// Makes the bindings of a plugin.
    package init(hooks: [FunctionBinding] = [], functions: [FunctionBinding] = []) {
        self.hooks = hooks
        self.functions = functions
    }

    /// Whether nothing is bound.
    package var isEmpty: Bool { hooks.isEmpty && functions.isEmpty }
}
