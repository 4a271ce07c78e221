import CGantryPlugin

/// The operations by the names that scripts have for them: those of `GANTRY_OP_*` in lower case.
enum ScriptOperation {
    static let all: [(kind: Int, name: String)] = [
        (GANTRY_OP_PROBE, "probe"), (GANTRY_OP_CREDENTIAL, "credential"), (GANTRY_OP_CHAT, "chat"),
        (GANTRY_OP_EMBED, "embed"), (GANTRY_OP_RESPONSES, "responses"), (GANTRY_OP_FILE_CREATE, "file_create"),
        (GANTRY_OP_FILE_GET, "file_get"), (GANTRY_OP_FILE_DELETE, "file_delete"), (GANTRY_OP_FILE_LIST, "file_list"),
        (GANTRY_OP_FILE_CONTENT, "file_content"), (GANTRY_OP_INPUT_CREATE, "input_create"),
        (GANTRY_OP_BATCH_CREATE, "batch_create"), (GANTRY_OP_BATCH_GET, "batch_get"),
        (GANTRY_OP_BATCH_CANCEL, "batch_cancel"), (GANTRY_OP_BATCH_LIST, "batch_list"),
        (GANTRY_OP_BATCH_RESULTS, "batch_results"), (GANTRY_OP_TUNE_CREATE, "tune_create"),
        (GANTRY_OP_TUNE_GET, "tune_get"), (GANTRY_OP_TUNE_CANCEL, "tune_cancel"), (GANTRY_OP_TUNE_LIST, "tune_list"),
        (GANTRY_OP_TUNE_EVENTS, "tune_events"), (GANTRY_OP_TUNE_CHECKPOINTS, "tune_checkpoints"),
        (GANTRY_OP_TUNE_PAUSE, "tune_pause"), (GANTRY_OP_TUNE_RESUME, "tune_resume"),
        (GANTRY_OP_RESPONSE_GET, "response_get"), (GANTRY_OP_RESPONSE_DELETE, "response_delete"),
        (GANTRY_OP_RESPONSE_CANCEL, "response_cancel"), (GANTRY_OP_RESPONSE_ITEMS, "response_items"),
    ]

    static func kind(_ name: String) -> UInt32? { all.first { $0.name == name }.map { UInt32($0.kind) } }

    static func name(_ kind: UInt32) -> String { all.first { $0.kind == Int(kind) }?.name ?? "operation \(kind)" }

    /// The bits of all operations that this ABI knows.
    static let known: UInt64 = all.reduce(0) { $0 | 1 << UInt64($1.kind) }
}
