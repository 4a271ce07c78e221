import HostCore
import Testing

struct BatchRewritingTests {
    @Test
    func onlyTheModelAndTheFilesChange() throws {
        let line = #"""
             { "x":{"model":"public","file_id":"file-1"}, "custom_id" : "a\u0062", "method":"POST", "url":"/v1/responses",
            "body":{"input":[{"type":"input_file","file_id":"file-1"}],  "model" : "public","file_ids":["file-2","file\u002d1"],
            "metadata":{"file_id":"file-1"}, "unknown":1.50e+3}}
            """#.split(separator: "\n").joined()
        let expected = #"""
             { "x":{"model":"public","file_id":"file-1"}, "custom_id" : "a\u0062", "method":"POST", "url":"/v1/responses",
            "body":{"input":[{"type":"input_file","file_id":"prov-1"}],  "model" : "gpt-4o","file_ids":["file-2","prov-1"],
            "metadata":{"file_id":"file-1"}, "unknown":1.50e+3}}
            """#.split(separator: "\n").joined()

        #expect(try rewritten(line, model: "gpt-4o", files: ["file-1": "prov-1"]) == expected)
    }

    @Test(arguments: ["\n", "\r\n", ""])
    func theEndOfALineStays(end: String) throws {
        let result = try rewritten(BatchSamples.line("a") + end, model: "m", files: [:])

        #expect(result == BatchSamples.line("a", model: "m") + end)
    }

    @Test
    func aBlankLineStays() throws { #expect(try rewritten(" \r\n", model: "m", files: [:]) == " \r\n") }

    @Test
    func namesOfTheProviderAreEscaped() throws {
        let result = try rewritten(BatchSamples.line("a"), model: "a\"b\\c\u{1}é", files: [:])

        #expect(result == BatchSamples.line("a", model: #"a\"b\\c\u0001é"#))
    }

    @Test
    func theSizeIsKnownBefore() throws {
        let text = (0..<50).map { index in
            BatchSamples.line("\(index)", content: BatchSamples.file("file\\u002d\(index % 7)"))
        }.joined(separator: "\r\n")
        let files = Dictionary(uniqueKeysWithValues: (0..<6).map { ("file-\($0)", "gs://bucket/a \"\($0)\"") })
        let rewriting = BatchRewriting(model: "publishers/google/models/x", files: files)
        var output: [UInt8] = []
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            try Array(line).withUnsafeBytes { try rewriting.append($0, to: &output) }
        }

        let size = try BatchSamples.read(text).size(after: rewriting)

        // The loop above left 49 line feeds away.
        #expect(size == Int64(output.count + 49))
    }

    private func rewritten(_ line: String, model: String, files: [String: String]) throws -> String {
        var output = Array("before ".utf8)
        try Array(line.utf8).withUnsafeBytes {
            try BatchRewriting(model: model, files: files).append($0, to: &output)
        }
        return String(String(decoding: output, as: UTF8.self).dropFirst(7))
    }
}
