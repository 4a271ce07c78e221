import GantryPlugin
import Testing

@testable import VertexAIAdapter

struct ResponsesRequestTests {
    @Test(arguments: Fixture.all("responses-requests"))
    func aRequestBecomesWhatGeminiReads(fixture: Fixture) throws {
        let request = try fixture.responsesRequest()

        #expect(try request.body.canonical.text == fixture.json("expected").canonical.text)
    }

    @Test(arguments: Fixture.all("responses-requests"))
    func theAnswerRepeatsTheRequest(fixture: Fixture) throws {
        let request = try fixture.responsesRequest()

        #expect(try request.echo.json.canonical.text == fixture.json("echo").canonical.text)
    }

    @Test
    func chatAndResponsesAskTheSameOfTheModel() throws {
        let chat = try JSON(
            text: """
                {"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[
                {"type":"text","text":"t"},{"type":"image_url","image_url":{"url":"https://x.org/a.png"}},
                {"type":"file","file":{"file_id":"gs://b/c.pdf"}}]}],
                "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}}],
                "tool_choice":{"type":"function","function":{"name":"f"}},"temperature":1,"top_p":0.5,
                "max_completion_tokens":9,"reasoning_effort":"high","response_format":{"type":"json_schema",
                "json_schema":{"name":"n","schema":{"type":"object"}}}}
                """
        )
        let responses = try JSON(
            text: """
                {"model":"m","instructions":"s","input":[{"role":"user","content":[
                {"type":"input_text","text":"t"},{"type":"input_image","image_url":"https://x.org/a.png"},
                {"type":"input_file","file_id":"gs://b/c.pdf"}]}],
                "tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":true}],
                "tool_choice":{"type":"function","name":"f"},"temperature":1,"top_p":0.5,
                "max_output_tokens":9,"reasoning":{"effort":"high"},"text":{"format":{"type":"json_schema",
                "name":"n","schema":{"type":"object"}}}}
                """
        )
        let settings = try Deployment.settings(["safety_settings": [["category": "c", "threshold": "t"]]])

        let first = try ChatRequest(chat, references: [], settings: settings).body
        let second = try ResponsesRequest(responses, references: [], settings: settings).body

        #expect(first.canonical.text == second.canonical.text)
    }

    @Test
    func whatLiesInABucketOfTheGatewayIsReachedByReferencesAlone() throws {
        let settings = try Deployment.settings()
        let request = try JSON(
            text: """
                {"model":"m","input":[{"role":"user","content":[{"type":"input_file",
                "file_url":"https://storage.googleapis.com/bucket/gantry/x/a.pdf"}]}]}
                """
        )

        let failure = #expect(throws: Failure.self) {
            try ResponsesRequest(request, references: [], settings: settings, buckets: ["bucket"])
        }

        #expect(failure?.reason == .invalid)
        #expect(failure?.parameter == "input.[0].content.[0].file_url")
    }
}

extension Fixture {
    /// The translation of the fixture's request on the tests' deployment.
    func responsesRequest() throws -> ResponsesRequest {
        try ResponsesRequest(json("request"), references: references, settings: Deployment.settings())
    }

    /// What an answer repeats of the fixture's request; of none if it has none.
    func responseEcho() throws -> ResponseEcho {
        try optionalJSON("request") == nil ? ResponseEcho() : responsesRequest().echo
    }
}

extension ResponseEcho {
    var json: JSON {
        var object = JSONObject()
        for (name, value) in members { object[name] = value }
        return .object(object)
    }
}
