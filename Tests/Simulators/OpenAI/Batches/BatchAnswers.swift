import NIOCore

/// Answers the requests of a batch and writes its output and error files.
struct BatchAnswers {
    let account: OpenAIAccount
    let endpoint: String

    private(set) var counts: (completed: Int, failed: Int) = (0, 0)
    private var usage: [String: Int] = [:]
    private var output: BlobWriter?
    private var errors: BlobWriter?
    /// The order of an output file is no promise: every other line waits for the one after it.
    private var waiting: ByteBuffer?

    init(account: OpenAIAccount, endpoint: String) {
        (self.account, self.endpoint) = (account, endpoint)
    }

    /// Answers the first `count` requests of a file.
    ///
    /// - Parameters:
    ///   - file: A file that was found valid.
    ///   - count: How many are answered; the rest is as nothing, or has an error in the error file.
    ///   - restError: The error of the rest, if it shall have one.
    /// - Throws: What reading and writing throws.
    mutating func answer(_ file: OpenAIFile, upTo count: Int, restError: JSON?) throws {
        var lines = try BlobLines(file.blob, in: account.files.blobs)
        var number = 0
        while let line = try lines.next() {
            guard !line.isBlank else { continue }
            number += 1
            guard number <= count || restError != nil else { break }
            let request = try JSONParser.parse(line.readableBytesView)
            if number <= count {
                try answer(request)
            } else if let restError {
                try writeError(Self.line(request, response: .null, error: restError))
            }
        }
    }

    /// The finished files, nil where nothing was written.
    mutating func finish() throws -> (output: Blob?, errors: Blob?) {
        if let waiting { try output?.append(waiting) }
        return (try output?.finish(), try errors?.finish())
    }

    /// The tokens of all answers, nil if there was none.
    var usageJSON: JSON? {
        guard counts.completed > 0 else { return nil }
        let input = usage["input", default: 0]
        let output = usage["output", default: 0]
        return [
            "input_tokens": .integer(input), "input_tokens_details": ["cached_tokens": 0],
            "output_tokens": .integer(output), "output_tokens_details": ["reasoning_tokens": 0],
            "total_tokens": .integer(input + output),
        ]
    }

    private mutating func answer(_ request: JSON) throws {
        let reply: Reply
        do {
            reply = try account.reply(to: endpoint, request["body"] ?? .null)
        } catch {
            guard let error = OpenAIError(refusal: error) else { throw error }
            reply = error.reply
        }
        guard case .bytes(let bytes) = reply.body else { return }
        let body = try JSONParser.parse(bytes.readableBytesView)
        let line = Self.line(
            request,
            response: [
                "status_code": .integer(reply.status), "request_id": .string(RandomName.hexadecimal(32)), "body": body,
            ],
            error: .null
        )
        guard reply.status == 200 else {
            counts.failed += 1
            return try writeError(line)
        }
        counts.completed += 1
        add(body["usage"])
        if output == nil { output = try account.files.blobs.writer() }
        if let waiting {
            try output?.append(line)
            try output?.append(waiting)
        }
        waiting = waiting == nil ? line : nil
    }

    private mutating func add(_ tokens: JSON?) {
        let names = [
            ("input", ["prompt_tokens", "input_tokens"]), ("output", ["completion_tokens", "output_tokens"]),
        ]
        for (total, members) in names {
            for member in members { usage[total, default: 0] += tokens?[member]?.integer ?? 0 }
        }
    }

    private mutating func writeError(_ line: ByteBuffer) throws {
        if errors == nil { errors = try account.files.blobs.writer() }
        try errors?.append(line)
    }

    private static func line(_ request: JSON, response: JSON, error: JSON) -> ByteBuffer {
        let line: JSON = [
            "id": .string("batch_req_" + RandomName.hexadecimal(24)), "custom_id": request["custom_id"] ?? .null,
            "response": response, "error": error,
        ]
        return ByteBuffer(string: line.text + "\n")
    }
}
