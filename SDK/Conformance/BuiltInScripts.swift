import CGantryPlugin
import GantryPlugin

/// Scripts for whatever a plugin serves, with inputs as the host makes them and answers in OpenAI's form.
enum BuiltInScripts {
    /// One script for each operation, and a streamed one where there are streams.
    static func all(for served: UInt64) -> [ConformanceScript] {
        ScriptOperation.all.filter { served & (1 << UInt64($0.kind)) != 0 }.flatMap {
            kind,
            name -> [ConformanceScript] in
            let script = script(kind, name)
            guard [GANTRY_OP_CHAT, GANTRY_OP_RESPONSES].contains(kind) else { return [script] }
            return [script, streamed(script, kind)]
        }
    }

    private static func script(_ kind: Int, _ name: String) -> ConformanceScript {
        var script = ConformanceScript(name, operation: UInt32(kind))
        script.answers = [answer(answerBody(kind))]
        switch kind {
        case GANTRY_OP_CHAT: setRequest(&script, #","messages":[{"role":"user","content":"Hello"}]}"#)
        case GANTRY_OP_EMBED: setRequest(&script, #","input":"Hello"}"#)
        case GANTRY_OP_RESPONSES: setRequest(&script, #","input":"Hello","store":false}"#)
        case GANTRY_OP_FILE_CREATE:
            script.sourceLength = 5
            script.flags = UInt32(GANTRY_IN_SOURCE_REPLAYABLE)
        case GANTRY_OP_FILE_CONTENT:
            script.answers = [answer("first part", "second part", type: "application/octet-stream")]
        case GANTRY_OP_INPUT_CREATE: script.lines = lines
        default: break
        }
        if let input = inputs[kind] { script.input = Array(input.utf8) }
        return script
    }

    /// A request to a model whose name the host has found in it.
    private static func setRequest(_ script: inout ConformanceScript, _ rest: String, before: String = "") {
        let start = #"{"model":"# + before
        script.input = Array((start + #""public""# + rest).utf8)
        script.references = [
            ScriptedReference(
                kind: UInt32(GANTRY_REF_MODEL),
                offset: UInt64(start.utf8.count),
                length: 8,
                clientID: "public",
                upstreamID: "example-model"
            )
        ]
    }

    private static let lines: [ConformanceScript.Line] = ["check-1", "check-2"].map { id in
        let start = #"{"custom_id":"\#(id)","method":"POST","url":"/v1/chat/completions","body":{"model":"#
        var line = ConformanceScript.Line(
            bytes: Array((start + #""public","messages":[{"role":"user","content":"Hello"}]}}"#).utf8)
        )
        line.references = [
            ScriptedReference(
                kind: UInt32(GANTRY_REF_MODEL),
                offset: UInt64(start.utf8.count),
                length: 8,
                clientID: "public",
                upstreamID: "example-model"
            )
        ]
        return line
    }

    private static func streamed(_ script: ConformanceScript, _ kind: Int) -> ConformanceScript {
        var script = script
        script.name += " as a stream"
        script.flags = UInt32(GANTRY_IN_STREAM)
        script.input.removeLast()
        script.input += Array(#","stream":true}"#.utf8)
        let events = kind == GANTRY_OP_CHAT ? chatEvents : responseEvents
        script.answers = [answer(pieces: events.map { $0 + "\n\n" }, type: "text/event-stream")]
        return script
    }

    private static func answer(_ pieces: String..., type: String = "application/json") -> ConformanceScript.Answer {
        answer(pieces: pieces, type: type)
    }

    private static func answer(pieces: [String], type: String) -> ConformanceScript.Answer {
        var answer = ConformanceScript.Answer()
        answer.headers = [
            ScriptedHeader(name: "content-type", value: type), ScriptedHeader(name: "x-request-id", value: "up-1"),
        ]
        answer.body = pieces.map { Array($0.utf8) }
        return answer
    }

    private static let inputs: [Int: String] = [
        GANTRY_OP_CREDENTIAL: #"{"scope":"check"}"#,
        GANTRY_OP_FILE_CREATE: """
        {"filename":"a \\"b\\".txt","mime_type":"text/plain","purpose":"user_data","bytes":5,"name":"check-file-1",\
        "sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","expires_in":3600}
        """,
        GANTRY_OP_FILE_GET: #"{"id":"file-check1"}"#, GANTRY_OP_FILE_DELETE: #"{"id":"file-check1"}"#,
        GANTRY_OP_FILE_LIST: """
        {"like":{"filename":"a \\"b\\".txt","mime_type":"text/plain","purpose":"user_data","bytes":5,\
        "name":"check-file-1"},"since":1795305000,"until":1795308600}
        """,
        GANTRY_OP_FILE_CONTENT: #"{"id":"file-check1","range":"bytes=0-4"}"#,
        GANTRY_OP_INPUT_CREATE:
            #"{"purpose":"batch","name":"check-input","bytes":160,"endpoint":"/v1/chat/completions"}"#,
        GANTRY_OP_BATCH_CREATE: """
        {"input_file_id":"file-check1","endpoint":"/v1/chat/completions","completion_window":"24h","name":"check-batch"}
        """,
        GANTRY_OP_BATCH_GET: #"{"id":"batch_check1"}"#, GANTRY_OP_BATCH_CANCEL: #"{"id":"batch_check1"}"#,
        GANTRY_OP_BATCH_LIST: #"{"name":"check-batch","input_file_id":"file-check1","since":1795305000}"#,
        GANTRY_OP_BATCH_RESULTS: #"{"id":"batch_check1","name":"check-results","endpoint":"/v1/chat/completions"}"#,
        GANTRY_OP_TUNE_CREATE: #"{"training_file":"file-check1","name":"check-job","seed":1}"#,
        GANTRY_OP_TUNE_GET: #"{"id":"ftjob-check1"}"#, GANTRY_OP_TUNE_CANCEL: #"{"id":"ftjob-check1"}"#,
        GANTRY_OP_TUNE_PAUSE: #"{"id":"ftjob-check1"}"#, GANTRY_OP_TUNE_RESUME: #"{"id":"ftjob-check1"}"#,
        GANTRY_OP_TUNE_LIST: #"{"name":"check-job","training_file":"file-check1","since":1795305000}"#,
        GANTRY_OP_TUNE_EVENTS: #"{"id":"ftjob-check1","limit":10}"#,
        GANTRY_OP_TUNE_CHECKPOINTS: #"{"id":"ftjob-check1","limit":10}"#,
        GANTRY_OP_RESPONSE_GET: #"{"id":"resp_check1"}"#, GANTRY_OP_RESPONSE_DELETE: #"{"id":"resp_check1"}"#,
        GANTRY_OP_RESPONSE_CANCEL: #"{"id":"resp_check1"}"#, GANTRY_OP_RESPONSE_ITEMS: #"{"id":"resp_check1"}"#,
    ]
}
