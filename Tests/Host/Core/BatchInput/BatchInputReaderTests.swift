import HostCore
import Testing

struct BatchInputReaderTests {
    @Test(arguments: [1, 2, 7, 16, 64, 1000, Int.max])
    func anInputIsReadHoweverItIsCut(step: Int) throws {
        let lines = [
            BatchSamples.line("a", content: BatchSamples.file("file-1")),
            BatchSamples.line("b", content: BatchSamples.file("file-2")),
            BatchSamples.line("ç\\n", content: BatchSamples.file("file-1")),
        ]

        let input = try BatchSamples.read(lines.joined(separator: "\n"), by: step)

        #expect(input.requests == 3)
        #expect(input.model == "public")
        #expect(input.endpoint == "/v1/chat/completions")
        #expect(input.sizeInBytes == Int64(lines.joined(separator: "\n").utf8.count))
        #expect(input.modelBytes == 24)
        #expect(input.files.map(\.text) == ["file-1", "file-2"])
        #expect(input.files.map(\.line) == [1, 2])
        #expect(input.files.map(\.places) == [2, 1])
        #expect(input.files.map(\.placeBytes) == [16, 8])
        #expect(input.files.first?.path == "body.messages.[0].content.[0].file.file_id")
    }

    @Test(arguments: ["\n", "\r\n", "\n\n", "\r\n \t\r\n"])
    func lineEndsAndBlankLinesAreNoFaults(separator: String) throws {
        let lines = [BatchSamples.line("a"), BatchSamples.line("b")]

        let input = try BatchSamples.read(separator + lines.joined(separator: separator) + separator)

        #expect(input.requests == 2)
    }

    @Test(arguments: [
        (#"{"custom_id":"#, "Line 2 of the input file cannot be used. The line is not valid JSON"),
        ("nonsense", "Line 2 of the input file cannot be used. The line must be a JSON object"),
        ("[]", "Line 2 of the input file cannot be used. The line must be a JSON object"),
        (BatchSamples.line("b") + "{}", "something after the end of the object"),
        ("\u{feff}" + BatchSamples.line("b"), "without a byte order mark"),
        (BatchSamples.line("a"), #"An earlier line has the same custom_id "a""#),
        (BatchSamples.line("\\u0061"), #"An earlier line has the same custom_id "a""#),
        (BatchSamples.line("b", model: "other"), #"Its model is "other", that of the first request "public""#),
        (BatchSamples.line(""), "custom_id must have 1 to 512 bytes"),
        (BatchSamples.line(String(repeating: "x", count: 513)), "custom_id must have 1 to 512 bytes"),
        (#"{"method":"POST","url":"/v1/chat/completions","body":{"model":"public"}}"#, "custom_id is missing"),
        (#"{"custom_id":"b","url":"/v1/chat/completions","body":{"model":"public"}}"#, "method is missing"),
        (#"{"custom_id":"b","method":"POST","body":{"model":"public"}}"#, "url is missing"),
        (#"{"custom_id":"b","method":"POST","url":"/v1/chat/completions"}"#, "body is missing"),
        (#"{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{}}"#, "body.model is missing"),
        (#"{"custom_id":1,"method":"POST","url":"/","body":{}}"#, "custom_id must be a string (at byte 13)"),
        (#"{"custom_id":null,"method":"POST","url":"/","body":{}}"#, "custom_id must be a string"),
        (#"{"custom_id":"b","method":"GET","url":"/","body":{"model":"public"}}"#, #"method must be "POST""#),
        (#"{"custom_id":"b","method":"POST","url":"/","body":{"model":"public"}}"#, #"Its url is "/""#),
        (#"{"custom_id":"b","method":"POST","url":"/","body":[]}"#, "body must be an object"),
        (#"{"custom_id":"b","method":"POST","url":"/","body":{"model":7}}"#, "body.model must be a string"),
        (#"{"custom_id":"b","method":"POST","url":"/","body":{"model":""}}"#, "body.model must have 1 to 256 bytes"),
        (#"{"custom_id":"b","custom_id":"c"}"#, "has custom_id twice"),
        (#"{"body":{"model":"a"},"bod\u0079":{"model":"b"}}"#, "has body twice"),
        (#"{"body":{"model":"a","model":"b"}}"#, "has body.model twice"),
        (#"{"body":{"file_id":7}}"#, "body.file_id must be a string or null"),
    ])
    func aFaultIsToldWithItsLine(line: String, message: String) throws {
        let error = #expect(throws: RuleError.self) {
            try BatchSamples.read([BatchSamples.line("a"), line, BatchSamples.line("z")].joined(separator: "\n"))
        }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasPrefix("Line 2 of the input file") == true)
    }

    @Test
    func invalidUTF8IsToldWithItsLine() throws {
        var reader = BatchInputReader()
        let bytes = Array(BatchSamples.line("a").utf8) + [0x0a] + Array(#"{"custom_id":""#.utf8) + [0xff] + [0x0a]

        let error = #expect(throws: RuleError.self) { try bytes.withUnsafeBytes { try reader.read($0) } }

        #expect(error?.message.contains("Line 2") == true)
        #expect(error?.message.contains("not UTF-8") == true)
    }

    @Test(arguments: ["", "\n", " \r\n\n"])
    func anInputWithoutRequestsIsRefused(text: String) {
        #expect(throws: RuleError(.invalidRequest, "The input file has no requests. Put one into each line.")) {
            try BatchSamples.read(text)
        }
    }

    @Test(arguments: [1, 50, Int.max])
    func aLineOverTheLimitIsRefusedBeforeItsEnd(step: Int) {
        var limits = BatchInputReader.Limits()
        limits.lineBytes = 200
        let long = BatchSamples.line("b", content: #""\#(String(repeating: "x", count: 200))""#)

        let error = #expect(throws: RuleError.self) {
            try BatchSamples.read(BatchSamples.line("a") + "\n" + long, by: step, limits: limits)
        }

        #expect(error?.code == .tooLarge)
        #expect(error?.message == "Line 2 has more than 200 bytes. Split the request.")
    }

    @Test
    func aLineOfExactlyTheLimitIsRead() throws {
        var limits = BatchInputReader.Limits()
        let line = BatchSamples.line("a")
        limits.lineBytes = line.utf8.count

        #expect(try BatchSamples.read(line + "\n" + BatchSamples.line("b"), by: 10, limits: limits).requests == 2)
    }

    @Test
    func moreRequestsOrFilesThanTheLimitAreRefused() {
        var limits = BatchInputReader.Limits()
        limits.requests = 2
        limits.files = 1
        let files = (1...2).map { BatchSamples.line("\($0)", content: BatchSamples.file("file-\($0)")) }
        let requests = (1...3).map { BatchSamples.line("\($0)") }

        #expect(throws: RuleError.self) { try BatchSamples.read(files.joined(separator: "\n"), limits: limits) }
        #expect(throws: RuleError.self) { try BatchSamples.read(requests.joined(separator: "\n"), limits: limits) }
    }
}
