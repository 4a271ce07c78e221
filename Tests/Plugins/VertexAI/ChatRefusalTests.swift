import GantryPlugin
import Testing

@testable import VertexAIAdapter

/// What Gemini cannot express is refused with its place, never dropped.
struct ChatRefusalTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let members: String
        let reason: FailureReason
        let parameter: String?

        var testDescription: String { "\(parameter ?? "-"): \(members)" }

        init(_ members: String, _ reason: FailureReason, _ parameter: String?) {
            self.members = members
            self.reason = reason
            self.parameter = parameter
        }
    }

    @Test(arguments: topLevel)
    func aMemberOfTheRequestIsRefused(refusal: Case) throws {
        try expect(refusal, in: #"{"model":"m","messages":[{"role":"user","content":"x"}],\#(refusal.members)}"#)
    }

    @Test(arguments: messages)
    func aMessageIsRefused(refusal: Case) throws {
        try expect(refusal, in: #"{"model":"m","messages":\#(refusal.members)}"#)
    }

    @Test(arguments: parts)
    func aContentPartIsRefused(refusal: Case) throws {
        try expect(
            refusal,
            in: """
                {"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x"},\(refusal.members)]}]}
                """
        )
    }

    @Test(arguments: [#"{}"#, #"{"model":"m"}"#, #"{"messages":[]}"#, #"{"model":1,"messages":[]}"#, "[]", "1", "null"])
    func aRequestWithoutModelOrMessagesIsRefused(request: String) throws {
        let settings = try Deployment.settings()

        let failure = try #require(
            #expect(throws: Failure.self) { try ChatRequest(JSON(text: request), references: [], settings: settings) }
        )

        #expect(failure.reason == .invalid)
    }

    private func expect(_ refusal: Case, in request: String) throws {
        let settings = try Deployment.settings()
        let document = try JSON(text: request)

        let failure = try #require(
            #expect(throws: Failure.self) { try ChatRequest(document, references: [], settings: settings) }
        )

        #expect(failure.reason == refusal.reason, "\(failure.message)")
        #expect(failure.parameter == refusal.parameter)
        #expect(failure.mayFallBack == (refusal.reason == .unsupported))
        #expect(!failure.message.contains("\n"))
    }

    static let topLevel = [
        Case(#""logit_bias":{"1":2}"#, .unsupported, "logit_bias"),
        Case(#""audio":{"voice":"x"}"#, .unsupported, "audio"),
        Case(#""modalities":["text","audio"]"#, .unsupported, "modalities"),
        Case(#""prediction":{}"#, .unsupported, "prediction"),
        Case(#""web_search_options":{}"#, .unsupported, "web_search_options"),
        Case(#""verbosity":"low""#, .unsupported, "verbosity"),
        Case(#""functions":[]"#, .unsupported, "functions"),
        Case(#""function_call":"auto""#, .unsupported, "function_call"),
        Case(#""store":true"#, .unsupported, "store"),
        Case(#""service_tier":"flex""#, .unsupported, "service_tier"),
        Case(#""parallel_tool_calls":false"#, .unsupported, "parallel_tool_calls"),
        Case(#""something_new":1"#, .unsupported, "something_new"),
        Case(#""reasoning_effort":"xhigh""#, .unsupported, "reasoning_effort"),
        Case(#""stream_options":{"new":1}"#, .unsupported, "stream_options.new"),
        Case(#""response_format":{"type":"grammar"}"#, .unsupported, "response_format.type"),
        Case(#""response_format":{"type":"text","x":1}"#, .unsupported, "response_format.x"),
        Case(#""response_format":{"type":"json_schema"}"#, .invalid, "response_format.json_schema"),
        Case(
            #""response_format":{"type":"json_schema","json_schema":{"schema":{}}}"#,
            .invalid,
            "response_format.json_schema.name"
        ),
        Case(
            #""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":1}}"#,
            .invalid,
            "response_format.json_schema.schema"
        ),
        Case(#""temperature":"hot""#, .invalid, "temperature"),
        Case(#""n":0"#, .invalid, "n"),
        Case(#""n":1.5"#, .invalid, "n"),
        Case(#""seed":99999999999999999999"#, .invalid, "seed"),
        Case(#""max_tokens":0"#, .invalid, "max_tokens"),
        Case(#""max_tokens":1,"max_completion_tokens":2"#, .invalid, "max_completion_tokens"),
        Case(#""stop":["a",1]"#, .invalid, "stop.[1]"),
        Case(#""stop":{}"#, .invalid, "stop"),
        Case(#""stream":"yes""#, .invalid, "stream"),
        Case(#""user":1"#, .invalid, "user"),
        Case(#""metadata":[]"#, .invalid, "metadata"),
        Case(#""top_logprobs":2"#, .invalid, "top_logprobs"),
        Case(#""logprobs":1"#, .invalid, "logprobs"),
        Case(#""tools":{}"#, .invalid, "tools"),
        Case(#""tools":[{"type":"custom","custom":{}}]"#, .unsupported, "tools.[0].type"),
        Case(#""tools":[{"type":"function"}]"#, .invalid, "tools.[0].function"),
        Case(#""tools":[{"type":"function","function":{}}]"#, .invalid, "tools.[0].function.name"),
        Case(
            #""tools":[{"type":"function","function":{"name":"f","x":1}}]"#,
            .unsupported,
            "tools.[0].function.x"
        ),
        Case(#""tool_choice":"required""#, .invalid, "tool_choice"),
        Case(#""tool_choice":"some""#, .invalid, "tool_choice"),
        Case(#""tool_choice":{"type":"allowed_tools"}"#, .unsupported, "tool_choice.type"),
        Case(
            #""tools":[{"type":"function","function":{"name":"f"}}],"#
                + #""tool_choice":{"type":"function","function":{"name":"g"}}"#,
            .invalid,
            "tool_choice"
        ),
    ]

    static let messages = [
        Case("[]", .invalid, "messages"),
        Case("{}", .invalid, "messages"),
        Case("[1]", .invalid, "messages.[0]"),
        Case("[{}]", .invalid, "messages.[0].role"),
        Case(#"[{"role":"system","content":"x"}]"#, .unsupported, "messages"),
        Case(#"[{"role":"robot","content":"x"}]"#, .invalid, "messages.[0].role"),
        Case(#"[{"role":"function","name":"f","content":"x"}]"#, .unsupported, "messages.[0].role"),
        Case(#"[{"role":"user"}]"#, .invalid, "messages.[0].content"),
        Case(#"[{"role":"user","content":[]}]"#, .invalid, "messages.[0].content"),
        Case(#"[{"role":"user","content":7}]"#, .invalid, "messages.[0].content"),
        Case(#"[{"role":"user","content":"x","name":"Ann"}]"#, .unsupported, "messages.[0].name"),
        Case(#"[{"role":"user","content":"x","new":1}]"#, .unsupported, "messages.[0].new"),
        Case(
            #"[{"role":"system","content":[{"type":"image_url","image_url":{"url":"x"}}]}]"#,
            .unsupported,
            "messages.[0].content.[0].type"
        ),
        Case(#"[{"role":"assistant"}]"#, .invalid, "messages.[0]"),
        Case(#"[{"role":"assistant","content":"x","refusal":"no"}]"#, .unsupported, "messages.[0].refusal"),
        Case(#"[{"role":"assistant","content":"x","audio":{"id":"a"}}]"#, .unsupported, "messages.[0].audio"),
        Case(#"[{"role":"assistant","content":"x","name":"a"}]"#, .unsupported, "messages.[0].name"),
        Case(#"[{"role":"assistant","function_call":{}}]"#, .unsupported, "messages.[0].function_call"),
        Case(#"[{"role":"assistant","content":"x","annotations":[1]}]"#, .unsupported, "messages.[0].annotations"),
        Case(
            #"[{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}]"#,
            .unsupported,
            "messages.[0].content.[0].type"
        ),
        Case(
            #"[{"role":"assistant","tool_calls":[{"id":"c","type":"custom"}]}]"#,
            .unsupported,
            "messages.[0].tool_calls.[0].type"
        ),
        Case(
            #"[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{"}}]}]"#,
            .invalid,
            "messages.[0].tool_calls.[0].function.arguments"
        ),
        Case(
            #"[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"[]"}}]}]"#,
            .invalid,
            "messages.[0].tool_calls.[0].function.arguments"
        ),
        Case(
            #"[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"#
                + #""extra_content":{"other":1}}]}]"#,
            .unsupported,
            "messages.[0].tool_calls.[0].extra_content.other"
        ),
        Case(#"[{"role":"tool","content":"x"}]"#, .invalid, "messages.[0].tool_call_id"),
        Case(#"[{"role":"tool","tool_call_id":"?","content":"x"}]"#, .invalid, "messages.[0].tool_call_id"),
    ]

    static let parts = [
        Case("1", .invalid, "messages.[0].content.[1]"),
        Case(#"{"text":"x"}"#, .invalid, "messages.[0].content.[1].type"),
        Case(#"{"type":"video"}"#, .unsupported, "messages.[0].content.[1].type"),
        Case(#"{"type":"text"}"#, .invalid, "messages.[0].content.[1].text"),
        Case(#"{"type":"text","text":"x","new":1}"#, .unsupported, "messages.[0].content.[1].new"),
        Case(#"{"type":"image_url","image_url":"x"}"#, .invalid, "messages.[0].content.[1].image_url"),
        Case(
            #"{"type":"image_url","image_url":{"url":"https://x.org/a.png","detail":"low"}}"#,
            .unsupported,
            "messages.[0].content.[1].image_url.detail"
        ),
        Case(
            #"{"type":"image_url","image_url":{"url":"https://x.org/a"}}"#,
            .unsupported,
            "messages.[0].content.[1].image_url.url"
        ),
        Case(
            #"{"type":"image_url","image_url":{"url":"ftp://x.org/a.png"}}"#,
            .invalid,
            "messages.[0].content.[1].image_url.url"
        ),
        Case(
            #"{"type":"image_url","image_url":{"url":"data:image/png,x"}}"#,
            .invalid,
            "messages.[0].content.[1].image_url.url"
        ),
        Case(#"{"type":"file","file":{}}"#, .invalid, "messages.[0].content.[1].file"),
        Case(#"{"type":"file","file":{"file_id":"file-9"}}"#, .invalid, "messages.[0].content.[1].file.file_id"),
        Case(#"{"type":"file","file":{"file_data":"AAAA"}}"#, .invalid, "messages.[0].content.[1].file.file_data"),
        Case(
            #"{"type":"file","file":{"file_id":"a","file_data":"b"}}"#,
            .invalid,
            "messages.[0].content.[1].file.file_data"
        ),
        Case(#"{"type":"file","file":{"file_url":"x"}}"#, .unsupported, "messages.[0].content.[1].file.file_url"),
        Case(
            #"{"type":"input_audio","input_audio":{"data":"A","format":"ogg"}}"#,
            .invalid,
            "messages.[0].content.[1].input_audio.format"
        ),
        Case(
            #"{"type":"input_audio","input_audio":{"data":"A"}}"#,
            .invalid,
            "messages.[0].content.[1].input_audio.format"
        ),
        Case(
            #"{"type":"input_audio","input_audio":{"data":"","format":"wav"}}"#,
            .invalid,
            "messages.[0].content.[1].input_audio.data"
        ),
    ]
}
