import CGantryPlugin
import GantryPlugin

/// The rules about the entry, the table and the constructors.
enum EntryRules {
    /// Checks a table as every host does before it calls anything.
    static func check(_ table: UnsafePointer<gantry_plugin>, hostMinor: UInt32) throws(RuleStop) {
        let size = table.pointee.size
        let required = (MemoryLayout<gantry_plugin>.offset(of: \.op_free) ?? 0) + MemoryLayout<UnsafeRawPointer>.size
        guard Int(size) >= required else {
            throw broken(
                "The table's `size` is \(size), which ends before `op_free`.",
                "Set it to sizeof(gantry_plugin)."
            )
        }
        // Only now: a smaller table ends before the struct does.
        let fields = table.pointee
        guard fields.needs_minor <= hostMinor, fields.needs_minor <= fields.abi_minor else {
            throw broken(
                "The plugin needs ABI 1.\(fields.needs_minor), was built against 1.\(fields.abi_minor) and gave its table "
                    + "to a host of 1.\(hostMinor).",
                "Set `needs_minor` to the least minor that the plugin can work with, and return NULL to older hosts."
            )
        }
        let functions: [(String, Bool)] = [
            ("instance_new", fields.instance_new != nil), ("instance_free", fields.instance_free != nil),
            ("target_new", fields.target_new != nil), ("target_free", fields.target_free != nil),
            ("op_new", fields.op_new != nil), ("op_step", fields.op_step != nil), ("op_free", fields.op_free != nil),
        ]
        if let missing = functions.first(where: { !$0.1 }) {
            throw broken("The table's `\(missing.0)` is NULL.", "Every function up to `op_free` has to be there.")
        }
        for (name, slice) in [("id", fields.id), ("version", fields.version), ("describe", fields.describe)] {
            guard slice.ptr != nil || slice.len == 0, slice.len >= 0, slice.len <= 1 << 20 else {
                throw broken("The table's `\(name)` is malformed.", "Give it an address and its length in bytes.")
            }
        }
    }

    /// Checks what a table says of its plugin.
    static func handshake(_ context: RuleContext) throws(RuleStop) -> Int {
        let table = try context.table().pointee
        for (name, slice) in [("id", table.id), ("version", table.version)] {
            let text = String(decoding: UnsafeBufferPointer(start: slice.ptr, count: slice.len), as: UTF8.self)
            let isPlain = !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } && text.utf8.count <= 64
            guard isPlain else {
                throw broken(
                    "The table's `\(name)` is `\(text.prefix(64))`.",
                    "Use 1 to 64 visible ASCII characters; manifests repeat it."
                )
            }
        }
        let unknown = table.ops & ~ScriptOperation.known
        guard unknown == 0 else {
            throw broken(
                "The table's `ops` has bit \(unknown.trailingZeroBitCount), which is no operation of this ABI.",
                "Set 1 << GANTRY_OP_… for each operation that is served, and nothing else."
            )
        }
        guard table.ops != 0 else {
            throw broken("The table's `ops` is 0.", "Set 1 << GANTRY_OP_… for each operation.")
        }
        let flags = GANTRY_PF_PARALLEL | GANTRY_PF_BLOCKING | GANTRY_PF_OPENAI_WIRE | GANTRY_PF_ONE_PER_PROCESS
        guard table.flags & ~UInt32(flags) == 0 else {
            throw broken("The table's `flags` are \(table.flags), some of them unknown.", "Set GANTRY_PF_… flags only.")
        }
        try checkDescription(table.describe)
        return 1
    }

    private static func checkDescription(_ describe: gantry_slice) throws(RuleStop) {
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: Array(UnsafeBufferPointer(start: describe.ptr, count: describe.len)))
        } catch {
            throw broken("The table's `describe` is not JSON: \(error).", "Write {\"params\":{…},\"config\":{…}}.")
        }
        guard json.object != nil else {
            throw broken("The table's `describe` is no JSON object.", "Write {\"params\":{…}}.")
        }
        for section in ["params", "config"] {
            guard let rules = json[section] else { continue }
            guard let members = rules.object?.members else {
                throw broken("`describe` has a `\(section)` that is no object.", "Write {NAME: {\"kind\": …}}.")
            }
            for (name, rule) in members {
                let kind = rule["kind"]?.string ?? ""
                guard ["value", "secret", "endpoint", "credentials"].contains(kind) else {
                    throw broken(
                        "`describe` gives `\(section).\(name)` the kind `\(kind)`.",
                        "The kinds are value, secret, endpoint and credentials."
                    )
                }
            }
        }
    }

    /// A later host gets the same table; it knows more than the plugin.
    static func newerHost(_ context: RuleContext) throws(RuleStop) -> Int {
        let entry = try context.entry()
        let minor = GANTRY_ABI_MINOR + 7
        guard let table = entry(minor) else {
            throw broken(
                "The entry returns NULL to a host of ABI 1.\(minor).",
                "A host of a later minor serves every plugin of its major: compare with `<`, not with `!=`."
            )
        }
        try check(table, hostMinor: minor)
        let isOpenEnded = table.pointee.needs_minor <= GANTRY_ABI_MINOR
        guard isOpenEnded else { throw .skip("the plugin needs ABI 1.\(table.pointee.needs_minor)") }
        return 1
    }

    static func broken(_ what: String, _ advice: String) -> RuleStop {
        .broken(what, at: "gantry_plugin_entry_v1", advice: advice)
    }
}

extension ConformanceRule {
    static let entryRules = [
        ConformanceRule("handshake", "the entry returns a whole table that says truly what the plugin is") {
            (context) throws(RuleStop) in try EntryRules.handshake(context)
        },
        ConformanceRule("newer-host", "a host of a later minor gets the table too") {
            (context) throws(RuleStop) in try EntryRules.newerHost(context)
        },
        ConformanceRule("configuration-refusals", "bad configuration is refused with one ERROR that says why") {
            (context) throws(RuleStop) in try RefusalRules.configuration(context)
        },
        ConformanceRule("parameter-refusals", "bad and unknown parameters are refused with one ERROR that says why") {
            (context) throws(RuleStop) in try RefusalRules.parameters(context)
        },
        ConformanceRule("unserved-operations", "operations that are not in `ops` are refused with GANTRY_E_UNSUPPORTED")
        {
            (context) throws(RuleStop) in try RefusalRules.operations(context)
        },
    ]
}
