import GantryPlugin
import Testing

@testable import VertexAIAdapter

/// What Gemini cannot express, and what needs an earlier response, is refused with its place, never dropped.
struct ResponsesRefusalTests {
    typealias Case = ChatRefusalTests.Case

    @Test(arguments: topLevel)
    func aMemberOfTheRequestIsRefused(refusal: Case) throws {
        try expect(refusal, in: #"{"model":"m","input":"x",\#(refusal.members)}"#)
    }

    @Test(arguments: inputs + items)
    func theInputIsRefused(refusal: Case) throws {
        try expect(refusal, in: #"{"model":"m","input":\#(refusal.members)}"#)
    }

    @Test(arguments: parts)
    func aContentPartIsRefused(refusal: Case) throws {
        try expect(
            refusal,
            in: """
                {"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"x"},\(refusal.members)]}]}
                """
        )
    }

    @Test(arguments: [#"{}"#, #"{"model":"m"}"#, #"{"input":"x"}"#, #"{"model":1,"input":"x"}"#, "[]", "1", "null"])
    func aRequestWithoutModelOrInputIsRefused(request: String) throws {
        let settings = try Deployment.settings()

        let failure = try #require(
            #expect(throws: Failure.self) {
                try ResponsesRequest(JSON(text: request), references: [], settings: settings)
            }
        )

        #expect(failure.reason == .invalid)
    }

    private func expect(_ refusal: Case, in request: String) throws {
        let settings = try Deployment.settings()
        let document = try JSON(text: request)

        let failure = try #require(
            #expect(throws: Failure.self) { try ResponsesRequest(document, references: [], settings: settings) }
        )

        #expect(failure.reason == refusal.reason, "\(failure.message)")
        #expect(failure.parameter == refusal.parameter)
        #expect(failure.mayFallBack == (refusal.reason == .unsupported))
        #expect(!failure.message.contains("\n"))
    }

    static let topLevel = [
        Case(#""store":true"#, .unsupported, "store"),
        Case(#""store":"no""#, .invalid, "store"),
        Case(#""background":true"#, .unsupported, "background"),
        Case(#""background":1"#, .invalid, "background"),
        Case(#""previous_response_id":"resp_1""#, .unsupported, "previous_response_id"),
        Case(#""conversation":{"id":"conv_1"}"#, .unsupported, "conversation"),
        Case(#""prompt":{"id":"pmpt_1"}"#, .unsupported, "prompt"),
        Case(#""include":["reasoning.encrypted_content"]"#, .unsupported, "include"),
        Case(#""include":"x""#, .invalid, "include"),
        Case(#""truncation":"auto""#, .unsupported, "truncation"),
        Case(#""service_tier":"flex""#, .unsupported, "service_tier"),
        Case(#""parallel_tool_calls":false"#, .unsupported, "parallel_tool_calls"),
        Case(#""max_tool_calls":3"#, .unsupported, "max_tool_calls"),
        Case(#""top_logprobs":3"#, .unsupported, "top_logprobs"),
        Case(#""context_management":[]"#, .unsupported, "context_management"),
        Case(#""moderation":{}"#, .unsupported, "moderation"),
        Case(#""messages":[]"#, .unsupported, "messages"),
        Case(#""n":2"#, .unsupported, "n"),
        Case(#""stop":"x""#, .unsupported, "stop"),
        Case(#""something_new":1"#, .unsupported, "something_new"),
        Case(#""stream_options":{"include_usage":true}"#, .unsupported, "stream_options.include_usage"),
        Case(#""reasoning":{"effort":"xhigh"}"#, .unsupported, "reasoning.effort"),
        Case(#""reasoning":{"summary":"auto"}"#, .unsupported, "reasoning.summary"),
        Case(#""reasoning":"low""#, .invalid, "reasoning"),
        Case(#""text":{"verbosity":"low"}"#, .unsupported, "text.verbosity"),
        Case(#""text":{"format":{}}"#, .invalid, "text.format.type"),
        Case(#""text":{"format":{"type":"grammar"}}"#, .unsupported, "text.format.type"),
        Case(#""text":{"format":{"type":"text","x":1}}"#, .unsupported, "text.format.x"),
        Case(#""text":{"format":{"type":"json_schema","schema":{}}}"#, .invalid, "text.format.name"),
        Case(#""text":{"format":{"type":"json_schema","name":"n"}}"#, .invalid, "text.format.schema"),
        Case(#""text":{"format":{"type":"json_schema","name":"n","schema":1}}"#, .invalid, "text.format.schema"),
        Case(#""temperature":"hot""#, .invalid, "temperature"),
        Case(#""max_output_tokens":0"#, .invalid, "max_output_tokens"),
        Case(#""max_tokens":5"#, .unsupported, "max_tokens"),
        Case(#""instructions":["x"]"#, .invalid, "instructions"),
        Case(#""stream":"yes""#, .invalid, "stream"),
        Case(#""user":1"#, .invalid, "user"),
        Case(#""metadata":{"a":1}"#, .invalid, "metadata.a"),
        Case(
            #""metadata":{\#((0...16).map { "\"k\($0)\":\"v\"" }.joined(separator: ","))}"#,
            .invalid,
            "metadata"
        ),
        Case(#""tools":{}"#, .invalid, "tools"),
        Case(#""tools":[{"type":"web_search"}]"#, .unsupported, "tools.[0].type"),
        Case(#""tools":[{"type":"file_search","vector_store_ids":["v"]}]"#, .unsupported, "tools.[0].type"),
        Case(#""tools":[{"type":"code_interpreter","container":{}}]"#, .unsupported, "tools.[0].type"),
        Case(#""tools":[{"type":"computer_use_preview"}]"#, .unsupported, "tools.[0].type"),
        Case(#""tools":[{"type":"mcp","server_label":"s"}]"#, .unsupported, "tools.[0].type"),
        Case(#""tools":[{"type":"custom","name":"c"}]"#, .unsupported, "tools.[0].type"),
        Case(#""tools":[{"type":"function"}]"#, .invalid, "tools.[0].name"),
        Case(#""tools":[{"type":"function","function":{"name":"f"}}]"#, .unsupported, "tools.[0].function"),
        Case(#""tools":[{"type":"function","name":"f","parameters":1}]"#, .invalid, "tools.[0].parameters"),
        Case(
            #""tools":[{"type":"function","name":"f","defer_loading":true}]"#,
            .unsupported,
            "tools.[0].defer_loading"
        ),
        Case(#""tool_choice":"required""#, .invalid, "tool_choice"),
        Case(#""tool_choice":"some""#, .invalid, "tool_choice"),
        Case(#""tool_choice":{"type":"file_search"}"#, .unsupported, "tool_choice.type"),
        Case(#""tool_choice":{"type":"allowed_tools","mode":"auto","tools":[]}"#, .unsupported, "tool_choice.type"),
        Case(#""tool_choice":{"type":"function"}"#, .invalid, "tool_choice.name"),
        Case(
            #""tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","name":"g"}"#,
            .invalid,
            "tool_choice"
        ),
    ]

    static let inputs = [
        Case("7", .invalid, "input"), Case("{}", .invalid, "input"), Case("[]", .invalid, "input"),
        Case("null", .invalid, "input"), Case("[1]", .invalid, "input.[0]"), Case("[{}]", .invalid, "input.[0].role"),
        Case(#"["x"]"#, .invalid, "input.[0]"),
        Case(#"[{"role":"system","content":"x"}]"#, .unsupported, "input"),
        Case(#"[{"type":"reasoning","id":"rs_1","summary":[]}]"#, .unsupported, "input"),
        Case(#"[{"type":"item_reference","id":"msg_1"}]"#, .unsupported, "input.[0].type"),
        Case(#"[{"type":"web_search_call","id":"ws_1"}]"#, .unsupported, "input.[0].type"),
        Case(#"[{"type":"computer_call_output","call_id":"c"}]"#, .unsupported, "input.[0].type"),
        Case(#"[{"type":1}]"#, .invalid, "input.[0].type"),
        Case(#"[{"role":"robot","content":"x"}]"#, .invalid, "input.[0].role"),
        Case(#"[{"role":"tool","content":"x"}]"#, .invalid, "input.[0].role"),
        Case(#"[{"role":"user"}]"#, .invalid, "input.[0].content"),
        Case(#"[{"role":"user","content":[]}]"#, .invalid, "input.[0].content"),
        Case(#"[{"role":"user","content":7}]"#, .invalid, "input.[0].content"),
        Case(#"[{"role":"user","content":"x","name":"Ann"}]"#, .unsupported, "input.[0].name"),
        Case(#"[{"role":"user","content":"x","id":7}]"#, .invalid, "input.[0].id"),
        Case(
            #"[{"role":"system","content":[{"type":"input_image","image_url":"x"}]}]"#,
            .unsupported,
            "input.[0].content.[0].type"
        ),
        Case(#"[{"role":"assistant","content":"x","phase":"commentary"}]"#, .unsupported, "input.[0].phase"),
        Case(#"[{"role":"assistant","content":7}]"#, .invalid, "input.[0].content"),
        Case(
            #"[{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}]"#,
            .unsupported,
            "input.[0].content.[0].type"
        ),
        Case(
            #"[{"role":"assistant","content":[{"type":"output_text","text":"x","annotations":[{"type":"url"}]}]}]"#,
            .unsupported,
            "input.[0].content.[0].annotations"
        ),
    ]

    static let items = [
        Case(#"[{"type":"reasoning","summary":[{"type":"summary_text"}]}]"#, .unsupported, "input.[0].summary"),
        Case(#"[{"type":"reasoning","content":[{"type":"reasoning_text"}]}]"#, .unsupported, "input.[0].content"),
        Case(#"[{"type":"reasoning","encrypted_content":"A"}]"#, .unsupported, "input.[0].encrypted_content"),
        Case(#"[{"type":"reasoning","new":1}]"#, .unsupported, "input.[0].new"),
        Case(#"[{"type":"function_call","name":"f","arguments":"{}"}]"#, .invalid, "input.[0].call_id"),
        Case(#"[{"type":"function_call","call_id":"c","arguments":"{}"}]"#, .invalid, "input.[0].name"),
        Case(
            #"[{"type":"function_call","call_id":"c","name":"f","arguments":"[]"}]"#,
            .invalid,
            "input.[0].arguments"
        ),
        Case(
            #"[{"type":"function_call","call_id":"c","name":"f","arguments":"{}","namespace":"n"}]"#,
            .unsupported,
            "input.[0].namespace"
        ),
        Case(
            #"[{"type":"function_call","call_id":"c","name":"f","arguments":"{}","extra_content":{"x":1}}]"#,
            .unsupported,
            "input.[0].extra_content.x"
        ),
        Case(#"[{"type":"function_call_output","output":"x"}]"#, .invalid, "input.[0].call_id"),
        Case(#"[{"type":"function_call_output","call_id":"c","output":"x"}]"#, .invalid, "input.[0].call_id"),
        Case(
            #"[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},"#
                + #"{"type":"function_call_output","call_id":"c"}]"#,
            .invalid,
            "input.[1].output"
        ),
        Case(
            #"[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},"#
                + #"{"type":"function_call_output","call_id":"c","output":[{"type":"input_image","file_id":"f"}]}]"#,
            .unsupported,
            "input.[1].output.[0].type"
        ),
    ]

    static let parts = [
        Case("1", .invalid, "input.[0].content.[1]"),
        Case("{}", .invalid, "input.[0].content.[1].type"),
        Case(#"{"type":"text","text":"x"}"#, .unsupported, "input.[0].content.[1].type"),
        Case(#"{"type":"input_audio","input_audio":{}}"#, .unsupported, "input.[0].content.[1].type"),
        Case(#"{"type":"output_text","text":"x"}"#, .unsupported, "input.[0].content.[1].type"),
        Case(#"{"type":"input_text"}"#, .invalid, "input.[0].content.[1].text"),
        Case(
            #"{"type":"input_text","text":"x","prompt_cache_breakpoint":{}}"#,
            .unsupported,
            "input.[0].content.[1].prompt_cache_breakpoint"
        ),
        Case(#"{"type":"input_image"}"#, .invalid, "input.[0].content.[1]"),
        Case(#"{"type":"input_image","image_url":{"url":"x"}}"#, .invalid, "input.[0].content.[1].image_url"),
        Case(#"{"type":"input_image","image_url":"ftp://x.org/a.png"}"#, .invalid, "input.[0].content.[1].image_url"),
        Case(#"{"type":"input_image","image_url":"https://x.org/a"}"#, .unsupported, "input.[0].content.[1].image_url"),
        Case(
            #"{"type":"input_image","image_url":"https://x.org/a.png","file_id":"file-9"}"#,
            .invalid,
            "input.[0].content.[1].file_id"
        ),
        Case(
            #"{"type":"input_image","image_url":"https://x.org/a.png","detail":"high"}"#,
            .unsupported,
            "input.[0].content.[1].detail"
        ),
        Case(#"{"type":"input_image","file_id":"file-9"}"#, .invalid, "input.[0].content.[1].file_id"),
        Case(#"{"type":"input_file"}"#, .invalid, "input.[0].content.[1]"),
        Case(#"{"type":"input_file","filename":1}"#, .invalid, "input.[0].content.[1].filename"),
        Case(#"{"type":"input_file","file_id":"file-9"}"#, .invalid, "input.[0].content.[1].file_id"),
        Case(#"{"type":"input_file","file_data":"AAAA"}"#, .invalid, "input.[0].content.[1].file_data"),
        Case(#"{"type":"input_file","file_url":"file:///etc/passwd"}"#, .invalid, "input.[0].content.[1].file_url"),
        Case(
            #"{"type":"input_file","file_id":"a","file_url":"https://x.org/a.pdf"}"#,
            .invalid,
            "input.[0].content.[1].file_url"
        ),
        Case(#"{"type":"input_file","file":{"file_id":"a"}}"#, .unsupported, "input.[0].content.[1].file"),
    ]
}
