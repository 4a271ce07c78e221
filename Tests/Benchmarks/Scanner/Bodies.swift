/// A request to measure with.
struct Body {
    let name: String
    let bytes: [UInt8]
    /// How many files it names, so that a way that overlooks one is not taken for a fast one.
    let files: Int

    /// Makes a chat of the parts of one message, between what chats usually have.
    init(_ name: String, files: Int, parts: [String], more: String = "") {
        self.name = name
        self.files = files
        let text =
            #"{"model":"gpt-4o-mini-openai","stream":true,"temperature":0.7,"max_tokens":512,"stream_options":"#
            + #"{"include_usage":true},\#(more)"messages":[{"role":"system","content":"You are a careful assistant. "#
            + #"Answer in one paragraph and say where you found what you say."},{"role":"user","content":["#
            + parts.joined(separator: ",") + #"]}],"user":"user_1"}"#
        bytes = Array(text.utf8)
    }

    /// The requests of the benchmark, small to large.
    static func all() -> [Body] {
        [
            Body("chat, no file", files: 0, parts: [text(900)]),
            Body("chat, 1 file", files: 1, parts: [text(810), file(0)]),
            Body("chat, 10 files", files: 10, parts: (0..<10).map(file) + [text(80)]),
            Body("chat with tools", files: 0, parts: [text(900)], more: tools(40)),
            Body("long text and an image", files: 1, parts: [text(60_000), image(40_000), file(0)]),
            Body("long text in Chinese", files: 0, parts: [chinese(100_000)]),
            Body(
                "10 MB of text and images",
                files: 1,
                parts: [text(4_000_000), image(3_000_000), image(3_000_000), file(0)]
            ),
        ]
    }

    private static func text(_ length: Int) -> String {
        let sentence =
            #"The report names three causes, \"drift\" among them; each is measured twice, once in the café.\n"#
        return #"{"type":"text","text":""# + repeated(sentence, upTo: length) + #""}"#
    }

    private static func chinese(_ length: Int) -> String {
        #"{"type":"text","text":""# + repeated("请总结这份报告，并说明三个原因以及它们是如何测量的。", upTo: length) + #""}"#
    }

    private static func image(_ length: Int) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var state: UInt64 = 7
        let content = (0..<length).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return alphabet[Int(state >> 58)]
        }
        return #"{"type":"image_url","image_url":{"url":"data:image/png;base64,"#
            + String(decoding: content, as: UTF8.self)
            + #""}}"#
    }

    private static func file(_ index: Int) -> String {
        let id = "file-dybm7syypzhr5glg2vumkvhpgjz2yzqukb7wx7\(10 + index)"
        return #"{"type":"file","file":{"file_id":"\#(id)"}}"#
    }

    private static func tools(_ count: Int) -> String {
        let tools = (0..<count).map { index in
            #"{"type":"function","function":{"name":"look_up_\#(index)","description":"Looks up a record by its key.","#
                + #""parameters":{"type":"object","properties":{"key":{"type":"string","description":"The key"},"#
                + #""limit":{"type":"integer","minimum":1,"maximum":100},"exact":{"type":"boolean"}},"#
                + #""required":["key"],"additionalProperties":false}}}"#
        }
        return #""tools":["# + tools.joined(separator: ",") + "],"
    }

    // Whole sentences only, so that no escape is cut.
    private static func repeated(_ sentence: String, upTo length: Int) -> String {
        String(repeating: sentence, count: max(1, length / sentence.utf8.count))
    }
}
