import NIOCore

/// The answers of the instant provider, made once.
struct UpstreamAnswers: Sendable {
    static let eventCount = 64

    let downloadLength: Int
    let chat: ByteBuffer
    let gemini: ByteBuffer
    /// The head of a stream, then its events, then its end.
    let chatStream: [ByteBuffer]
    let geminiStream: [ByteBuffer]
    let list: ByteBuffer
    let token: ByteBuffer
    let models: ByteBuffer
    let health: ByteBuffer
    let deleted: ByteBuffer
    let missing: ByteBuffer

    init(downloadLength: Int) {
        self.downloadLength = downloadLength
        chat = Self.json(Self.chatBody)
        gemini = Self.json(Self.geminiEvent(text: "A short answer of a few words.", isLast: true))
        chatStream = Self.stream(
            (0..<Self.eventCount).map { Self.chatEvent($0) } + ["data: [DONE]\n\n"]
        )
        geminiStream = Self.stream(
            (0..<Self.eventCount).map { number in
                let isLast = number == Self.eventCount - 1
                return "data: \(Self.geminiEvent(text: " word", isLast: isLast))\r\n\r\n"
            }
        )
        let files = (0..<100).map { Self.fileBody($0, size: 123_456) }.joined(separator: ",")
        list = Self.json(#"{"object":"list","data":[\#(files)],"has_more":true,"first_id":"a","last_id":"b"}"#)
        token = Self.json(
            #"{"access_token":"benchmark-token","expires_in":86000,"token_type":"Bearer"}"#,
            headers: "Metadata-Flavor: Google\r\n"
        )
        // A gateway that asks for these finds the name that the clients use.
        models = Self.json(
            #"{"object":"list","data":[{"id":"gpt-bench","object":"model","created":1,"owned_by":"benchmark"}]}"#
        )
        health = Self.json("{}")
        deleted = Self.json(#"{"id":"file-x","object":"file","deleted":true}"#)
        missing = Self.json(
            #"{"error":{"message":"no such route","type":"invalid_request_error","param":null,"code":null}}"#,
            status: "404 Not Found"
        )
    }

    /// An uploaded file's description.
    func file(_ number: Int, size: Int) -> ByteBuffer { Self.json(Self.fileBody(number, size: size)) }

    /// An object of Cloud Storage.
    func object(size: Int) -> ByteBuffer { Self.json(#"{"kind":"storage#object","size":"\#(size)"}"#) }

    func uploadSession() -> ByteBuffer {
        Self.json("{}", headers: "Location: /upload/storage/v1/b/bench/o?uploadType=resumable&upload_id=1\r\n")
    }

    /// The answer to a piece of an upload that is not its last.
    func confirmation(length: Int) -> ByteBuffer {
        let head = "HTTP/1.1 308 Resume Incomplete\r\nRange: bytes=0-\(length - 1)\r\nContent-Length: 0\r\n\r\n"
        return ByteBuffer(string: head)
    }

    /// The head of a download.
    func downloadHead() -> ByteBuffer {
        let type = "Content-Type: application/octet-stream"
        return ByteBuffer(string: "HTTP/1.1 200 OK\r\n\(type)\r\nContent-Length: \(downloadLength)\r\n\r\n")
    }

    func count(_ number: Int) -> ByteBuffer { Self.json(#"{"open":\#(number)}"#) }

    private static func json(_ body: String, status: String = "200 OK", headers: String = "") -> ByteBuffer {
        let type = "Content-Type: application/json\r\n"
        let length = body.utf8.count
        return ByteBuffer(string: "HTTP/1.1 \(status)\r\n\(type)\(headers)Content-Length: \(length)\r\n\r\n\(body)")
    }

    private static func stream(_ events: [String]) -> [ByteBuffer] {
        // The second header asks nginx to pass each event on when it comes.
        let headers = "Content-Type: text/event-stream\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked"
        let head = "HTTP/1.1 200 OK\r\n\(headers)\r\n\r\n"
        let chunks = events.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }
        return ([head] + chunks + ["0\r\n\r\n"]).map { ByteBuffer(string: $0) }
    }

    private static let usage = #"{"prompt_tokens":300,"completion_tokens":8,"total_tokens":308}"#

    private static let chatBody =
        #"{"id":"chatcmpl-benchmark","object":"chat.completion","created":1790000000,"model":"gpt-4o-mini","#
        + #""choices":[{"index":0,"message":{"role":"assistant","content":"A short answer of a few words.","#
        + #""refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":\#(usage)}"#

    private static func chatEvent(_ number: Int) -> String {
        let isLast = number == eventCount - 1
        let delta = isLast ? "{}" : #"{"role":"assistant","content":" word"}"#
        let reason = isLast ? #""stop""# : "null"
        return #"data: {"id":"chatcmpl-benchmark","object":"chat.completion.chunk","created":1790000000,"#
            + #""model":"gpt-4o-mini","system_fingerprint":"fp_benchmark","choices":[{"index":0,"delta":\#(delta),"#
            + #""logprobs":null,"finish_reason":\#(reason)}]}"# + "\n\n"
    }

    private static func geminiEvent(text: String, isLast: Bool) -> String {
        let reason = isLast ? #","finishReason":"STOP""# : ""
        let usage = #"{"promptTokenCount":300,"candidatesTokenCount":8,"totalTokenCount":308}"#
        return #"{"candidates":[{"content":{"role":"model","parts":[{"text":"\#(text)"}]}\#(reason),"index":0}],"#
            + #""usageMetadata":\#(usage),"modelVersion":"gemini-2.0-flash","responseId":"benchmark"}"#
    }

    private static func fileBody(_ number: Int, size: Int) -> String {
        let digits = String(number)
        let id = "file-Bench" + String(repeating: "0", count: max(0, 19 - digits.count)) + digits
        return #"{"id":"\#(id)","object":"file","bytes":\#(size),"created_at":1790000000,"#
            + #""filename":"paper.pdf","purpose":"user_data","status":"processed","expires_at":null,"#
            + #""status_details":null}"#
    }
}
