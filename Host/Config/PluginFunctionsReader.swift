import HostFunctions

/// Reads what a manifest says of plain C functions.
struct PluginFunctionsReader {
    static let keys = ["functions_library", "functions_sha256", "hooks", "functions"]

    private static let bindingKeys = ["symbol", "signature"]
    private static let mostFunctions = 64

    let reader: ValueReader

    /// The functions; nil if the manifest has none.
    ///
    /// - Parameters:
    ///   - root: The manifest.
    ///   - path: Reads the name or path of a library.
    /// - Returns: The functions, of which there is one at least.
    /// - Throws: ``ConfigurationError``, which tells the position in a signature.
    func functions(
        _ root: SourceMapping,
        path: (SourceValue) throws(ConfigurationError) -> String
    ) throws(ConfigurationError) -> PluginFunctions? {
        let bindings = FunctionBindings(hooks: try hooks(root["hooks"]), functions: try named(root["functions"]))
        guard let library = root["functions_library"] else {
            if let key = Self.keys.first(where: { root[$0] != nil }), let place = root[key]?.location {
                throw ConfigurationError(
                    .missingKey,
                    at: place,
                    "the functions need a library. Write functions_library, such as libacme.so."
                )
            }
            return nil
        }
        guard !bindings.isEmpty else {
            throw ConfigurationError(
                .missingKey,
                at: library.location,
                "no function of it is bound. Add hooks or functions, or remove it."
            )
        }
        return PluginFunctions(
            library: try path(library),
            sha256: try root["functions_sha256"].map { (value) throws(ConfigurationError) in
                try reader.digest(value)
            },
            bindings: bindings
        )
    }

    private func hooks(_ value: SourceValue?) throws(ConfigurationError) -> [FunctionBinding] {
        guard let value else { return [] }
        let mapping = try reader.mapping(value)
        try mapping.refuseKeys(except: FunctionHook.allCases.map(\.name))
        var hooks: [FunctionBinding] = []
        for entry in mapping.entries where !entry.value.isNull {
            let (binding, signature) = try binding(entry)
            if let hook = FunctionHook(named: entry.key) {
                do throws(FunctionSignatureError) {
                    try hook.check(binding.signature)
                } catch {
                    throw ConfigurationError(.badValue, at: signature.location, error.description)
                }
            }
            hooks.append(binding)
        }
        return hooks
    }

    private func named(_ value: SourceValue?) throws(ConfigurationError) -> [FunctionBinding] {
        guard let value else { return [] }
        let mapping = try reader.mapping(value)
        guard mapping.entries.count <= Self.mostFunctions else {
            throw ConfigurationError(
                .tooLarge,
                at: value.location,
                "has more than \(Self.mostFunctions) functions. Remove some."
            )
        }
        var functions: [FunctionBinding] = []
        for entry in mapping.entries where !entry.value.isNull {
            guard entry.key.utf8.count <= 64, entry.key.consists(ofLettersDigitsAnd: "_-") else {
                throw ConfigurationError(
                    .badValue,
                    at: entry.value.location,
                    "a function's name is 1 to 64 letters, digits and _ -. Rename it."
                )
            }
            functions.append(try binding(entry).binding)
        }
        return functions
    }

    /// A function, and where its signature stands.
    private func binding(
        _ entry: SourceEntry
    ) throws(ConfigurationError) -> (binding: FunctionBinding, signature: SourceValue) {
        let mapping = try reader.mapping(entry.value)
        try mapping.refuseKeys(except: Self.bindingKeys)
        let symbol = try mapping.required("symbol", "Give the C function's name, such as acme_model.")
        let signature = try mapping.required("signature", "Say what the function takes, such as \"i32(cstr, out)\".")
        let name = try reader.string(symbol)
        guard FunctionBinding.isSymbol(name) else {
            throw ConfigurationError(
                .badValue,
                at: symbol.location,
                "must be the name of a C function, not \(try reader.resolved(symbol).shown)."
            )
        }
        let text = try reader.string(signature)
        do throws(FunctionSignatureError) {
            let parsed = try FunctionSignature(parsing: text)
            return (FunctionBinding(name: entry.key, symbol: name, signature: parsed), signature)
        } catch {
            throw ConfigurationError(.badValue, at: signature.location, error.description)
        }
    }
}
