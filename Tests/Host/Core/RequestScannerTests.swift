import HostCore
import Testing

struct RequestScannerTests {
    @Test
    func theModelTheModeAndThePlacesAreFound() throws {
        let body = """
             {"model": "gpt-4o-mini-openai", "stream" :true,"stream_options":{"include_usage":false},"messages":[
            {"role":"user","content":[{"type":"text","text":"a \\"quoted\\" word"},
            {"type":"file","file":{"file_id":"file-abc","filename":"file_id"}}]}]}
            """
        let bytes = Array(body.utf8)

        let scan = try scan(body)

        #expect(scan.model == "gpt-4o-mini-openai")
        #expect(scan.modelRange.map { String(decoding: bytes[$0], as: UTF8.self) } == "\"gpt-4o-mini-openai\"")
        #expect(scan.stream == true)
        #expect(scan.includeUsage == false)
        #expect(scan.objectStart == 1)
        let place = try #require(scan.ids.first)
        #expect(scan.ids.count == 1)
        #expect(place.path == "messages.[0].content.[1].file.file_id")
        #expect(place.text == "file-abc")
        #expect(String(decoding: bytes[place.range], as: UTF8.self) == "\"file-abc\"")
    }

    @Test(arguments: [
        // Any role and depth, and the list form.
        (#"{"messages":[{"role":"assistant","content":[{"file":{"file_id":"x"}}]}]}"#, ["x"]),
        (#"{"file_id":"a","x":{"y":[[{"file_id":"b"}]]}}"#, ["a", "b"]),
        (#"{"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["a","b"]}}]}"#, ["a", "b"]),
        (
            #"{"input":[{"content":[{"type":"input_file","file_id":"a"},{"type":"input_image","file_id":"b"}]}]}"#,
            ["a", "b"]
        ),
        (#"{"file_id":null,"file_ids":null}"#, []),
        (#"{"file_ids":[]}"#, []),
        (#"{"tools":[{"vector_store_ids":["vs_1"]}]}"#, []),
        // Escaped names and values are the same names and values.
        (#"{"file\u005fid":"a\u002db\/c\ud83d\ude00\n"}"#, ["a-b/c😀\n"]),
        (#"{"\u0066ile_ids":["\u0061"]}"#, ["a"]),
        // What merely looks like one of the names is not.
        (#"{"file_idx":"a","xfile_id":"a","File_Id":"a","file_id ":"a","file\u0000_id":"a"}"#, []),
    ])
    func fileIDsAreFound(body: String, texts: [String]) throws {
        #expect(try scan(body).ids.map(\.text) == texts)
    }

    @Test(arguments: [
        "data:image/png;base64,AAAA", "DATA:,x", "https://example.com/a.png", "HTTP://example.com/files/x",
        #"https:\/\/example.com\/a.png"#, #"\u0064ata:,x"#,
        "https://example.com/generativelanguage.googleapis.com/files/x", "https://api.openai.com.example/v1/files/x",
        "https://storage.googleapis.com/b/o?X-Goog-Signature=1",
    ])
    func contentAndForeignURLsAreNoPlaces(value: String) throws {
        for body in Self.linkBodies(value) { #expect(try scan(body).ids.isEmpty, "\(body)") }
    }

    @Test(arguments: [
        "gs://bucket/o.png", "file-abc", "files/abc", "bGl0ZWxsbV9wcm94eTphYmM", "anything", "", " https://a.b/c",
        "ftp://a.b/c", "https://generativelanguage.googleapis.com/v1beta/files/abc",
        "https://api.openai.com/v1/files/file-abc", "HTTPS://API.OpenAI.com:443/v1/files/file-abc",
        "https://user@api.openai.com/v1/files/file-abc", "http://api.openai.com./v1/files/file-abc",
        #"https:\/\/generativelanguage.googleapis.com\/v1\/files\/abc"#,
        #"https://api.openai.com\\@example.com/v1/files/x"#,
    ])
    func everythingElseWhereAURLMayStandIsAPlace(value: String) throws {
        for body in Self.linkBodies(value) { #expect(try scan(body).ids.count == 1, "\(body)") }
    }

    private static func linkBodies(_ value: String) -> [String] {
        [
            #"{"messages":[{"content":[{"type":"image_url","image_url":{"detail":"low","url":"\#(value)"}}]}]}"#,
            #"{"input":[{"type":"input_image","image_url":"\#(value)"}]}"#,
            #"{"file_url":"\#(value)"}"#, #"{"video_url":"\#(value)"}"#, #"{"video_url":{"url":"\#(value)"}}"#,
            #"{"audio_url":"\#(value)"}"#, #"{"audio_url":{"\u0075rl":"\#(value)"}}"#,
        ]
    }

    @Test
    func anAuthorityWithoutEndIsAPlace() throws {
        let value = "https://" + String(repeating: "a", count: 600) + "@api.openai.com/v1/files/x"

        #expect(try scan(#"{"image_url":"\#(value)"}"#).ids.count == 1)
    }

    @Test
    func aURLElsewhereIsNoPlace() throws {
        #expect(try scan(#"{"url":"gs://a/b","server_url":"x","data":"gs://a/b"}"#).ids.isEmpty)
    }

    @Test(arguments: [
        ("data:application/pdf;base64,JVBERi0x", 0), ("JVBERi0x", 0), ("", 0), ("https://example.com/a", 0),
        ("filesystem", 0), ("bGl0ZWxsbV9wcm94", 0), ("gs://b/o", 1), ("GS://b/o", 1), ("s3://b/o", 1), ("files/a", 1),
        ("file-a", 1), ("file_a", 1), (#"file\u002da"#, 1), ("bGl0ZWxsbV9wcm94eTphcHA", 1),
        ("bGl0ZWxsbV9wcm94eTtt", 1), ("https://api.openai.com/v1/files/file-a", 1),
    ])
    func inlineContentIsAPlaceOnlyIfItReadsLikeAnID(value: String, count: Int) throws {
        #expect(try scan(#"{"content":[{"file":{"file_data":"\#(value)"}}]}"#).ids.count == count)
        #expect(try scan(#"{"input":[{"type":"input_file","file_data":"\#(value)"}]}"#).ids.count == count)
        #expect(try scan(#"{"input_audio":{"data":"\#(value)","format":"wav"}}"#).ids.count == count)
    }

    @Test(arguments: [
        #"{"metadata":{"file_id":"x","file_ids":3}}"#,
        #"{"tools":[{"type":"function","function":{"parameters":{"properties":{"file_id":{"type":"string"}}}}}]}"#,
        #"{"tools":[{"type":"function","parameters":{"properties":{"file_ids":{"type":"array"}}}}]}"#,
        #"{"input":[{"type":"mcp_list_tools","tools":[{"input_schema":{"file_id":{}}}]}]}"#,
        #"{"functions":[{"parameters":{"file_id":{}}}]}"#,
        #"{"response_format":{"type":"json_schema","json_schema":{"schema":{"properties":{"file_id":{}}}}}}"#,
        #"{"text":{"format":{"type":"json_schema","schema":{"file_id":{}}}}}"#,
        #"{"messages":[{"tool_calls":[{"function":{"name":"f","arguments":{"file_id":1}}}]}]}"#,
        #"{"messages":[{"tool_calls":[{"function":{"name":"f","arguments":"{\"file_id\":\"x\"}"}}]}]}"#,
    ])
    func freeFormPartsAreLeftAlone(body: String) throws {
        #expect(try scan(body).ids.isEmpty)
    }

    @Test(arguments: [
        // The same names at other places are not free.
        #"{"messages":[{"metadata":{"file_id":"x"}}]}"#, #"{"parameters":{"file_id":"x"}}"#,
        #"{"messages":[{"function":{"parameters":{"file_id":"x"}}}]}"#, #"{"json_schema":{"file_id":"x"}}"#,
        #"{"tools":[{"x":{"parameters":{"file_id":"x"}}}]}"#, #"{"prediction":{"content":[{"file_id":"x"}]}}"#,
        #"{"text":{"schema":{"file_id":"x"}}}"#, #"{"metadata":[],"x":{"file_id":"x"}}"#,
    ])
    func freedomDoesNotReachFurther(body: String) throws {
        #expect(try scan(body).ids.map(\.text) == ["x"])
    }

    @Test(arguments: [
        (#"{"messages":[{"file":{"file_id":3}}]}"#, "messages.[0].file.file_id"), (#"{"file_id":{}}"#, "file_id"),
        (#"{"file_id":["a"]}"#, "file_id"), (#"{"file_id":true}"#, "file_id"), (#"{"file_ids":"a"}"#, "file_ids"),
        (#"{"file_ids":["a",null]}"#, "file_ids.[1]"), (#"{"file_ids":[["a"]]}"#, "file_ids.[0]"),
        (#"{"model":3}"#, "model"), (#"{"model":null}"#, "model"), (#"{"model":""}"#, "model"),
        (#"{"stream":"true"}"#, "stream"), (#"{"stream":1}"#, "stream"), (#"{"stream_options":[]}"#, "stream_options"),
        (#"{"stream_options":{"include_usage":1}}"#, "stream_options.include_usage"),
        (#"{"x":{"file\u005fid":3}}"#, "x.file_id"),
    ])
    func wrongTypesAreRefusedWithTheirPath(body: String, path: String) {
        let error = refusal(body)

        #expect(error?.code == .invalidRequest)
        #expect(error?.parameter == path)
        #expect(error?.message.contains("at byte") == true)
    }

    @Test(arguments: [
        #"{"model":"a","model":"b"}"#, #"{"model":"a","mod\u0065l":"b"}"#, #"{"stream":true,"stream":false}"#,
        #"{"x":[{"file_id":"a","file_id":"b"}]}"#, #"{"image_url":{"url":"a","url":"b"}}"#,
        #"{"messages":[],"messages":[]}"#, #"{"metadata":{},"metadata":{}}"#, #"{"file":{},"a":1,"file":{}}"#,
    ])
    func knownMembersMayNotComeTwice(body: String) {
        #expect(refusal(body)?.message.contains("twice") == true)
    }

    @Test
    func otherMembersMayAndTheSameNameInAnotherObjectToo() throws {
        #expect(try scan(#"{"a":1,"a":2,"metadata":{"model":1,"model":2}}"#).ids.isEmpty)
        #expect(try scan(#"{"x":[{"file_id":"a"},{"file_id":"b"}]}"#).ids.count == 2)
        #expect(try scan(#"{"x":{"model":3,"stream":"yes","stream_options":0}}"#).model == nil)
    }

    @Test
    func theModelIsDecodedAndBounded() throws {
        #expect(try scan(#"{"model":"g\u0070t\/4"}"#).model == "gpt/4")
        #expect(try scan(#"{"model":"\#(String(repeating: "m", count: 256))"}"#).model?.count == 256)
        #expect(refusal(#"{"model":"\#(String(repeating: "m", count: 257))"}"#)?.parameter == "model")
        #expect(refusal(#"{"model":"\#(String(repeating: "m", count: 5000))"}"#)?.parameter == "model")
        #expect(try scan(#"{"stream":null,"stream_options":null}"#).stream == nil)
    }

    @Test
    func theCountAndLengthOfPlacesAreBounded() throws {
        let many = { (count: Int) in
            #"{"file_ids":["# + Array(repeating: #""a""#, count: count).joined(separator: ",") + "]}"
        }
        let long = { (count: Int) in #"{"file_id":"\#(String(repeating: "a", count: count))"}"# }

        #expect(try scan(many(1000)).ids.count == 1000)
        #expect(refusal(many(1001))?.code == .tooLarge)
        #expect(try scan(long(8192)).ids.count == 1)
        #expect(refusal(long(8193))?.code == .invalidRequest)
    }

    @Test
    func depthIsBounded() throws {
        let nested = { (depth: Int) in
            #"{"a":"# + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1) + "}"
        }

        #expect(try scan(nested(128)).ids.isEmpty)
        #expect(refusal(nested(129))?.message.contains("128 levels") == true)
        #expect(refusal(String(repeating: "[", count: 100_000)) != nil)
        #expect(refusal(String(repeating: #"{"a":"#, count: 100_000)) != nil)
    }

    @Test(arguments: [0, 9, 10, 99, 100, 12_345])
    func elementsAreCountedInPaths(index: Int) throws {
        let before = String(repeating: "0,", count: index)

        let scan = try scanned(Array(#"{"x":[\#(before){"file_id":"file-a"}]}"#.utf8))

        #expect(scan.ids.map(\.path) == ["x.[\(index)].file_id"])
    }

    @Test(arguments: ["n", #"\u006e"#, "é", "漢"])
    func namesThatAreTooLongForAPathAreCut(character: String) throws {
        let name = String(repeating: character, count: 3000)

        let path = try #require(try scanned(Array(#"{"\#(name)":{"file_id":"file-a"}}"#.utf8)).ids.first?.path)

        #expect(path.hasSuffix("…") && (250...262).contains(path.utf8.count), "\(path.utf8.count)")
    }

    @Test
    func pathsAreBounded() throws {
        let name = String(repeating: "é", count: 5000)

        let scan = try scan(#"{"\#(name)":{"file_id":"a"}}"#)

        #expect(try #require(scan.ids.first).path.utf8.count <= 256 + 6)
    }

    private func scan(_ body: String) throws(RuleError) -> RequestScan { try scanned(Array(body.utf8)) }

    private func refusal(_ body: String) -> RuleError? {
        do {
            _ = try scan(body)
            return nil
        } catch {
            return error
        }
    }
}

/// Scans an array of bytes.
func scanned(_ bytes: [UInt8]) throws(RuleError) -> RequestScan {
    try bytes.withUnsafeBytes { bytes in
        Result { () throws(RuleError) in try RequestScanner.scan(bytes) }
    }.get()
}
