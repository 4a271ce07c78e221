import GantryPlugin

/// Turns a line of Vertex AI's predictions into one of OpenAI's output or error file.
///
/// Whatever the line holds, it becomes a line: one result that nobody can read is no reason to keep the others back.
struct BatchResultLine {
    /// Whether the line belongs into the error file.
    let isError: Bool
    /// The line, with its end.
    let bytes: [UInt8]

    /// Makes the text that the ids of a line are made of: always the same for the same.
    typealias Digest = (_ text: String) throws(Failure) -> String

    /// Translates a line: `{"request", "status", "response", "processed_time"}`.
    ///
    /// - Parameters:
    ///   - line: The line, without its end; nil for one that is too long to be read.
    ///   - place: Tells the line from all others, for those whose `custom_id` cannot be read.
    ///   - model: The deployment's model, for answers that do not name theirs.
    ///   - digest: Makes 32 characters of a text.
    /// - Throws: What `digest` throws.
    init(_ line: [UInt8]?, place: String, model: String, digest: Digest) throws(Failure) {
        let document = line.flatMap(Wire.document)
        let customID = CustomIDLabels.customID(in: document?["request"]?["labels"])
        let unique = try digest(customID.map { "id:\($0)" } ?? "line:\(place)")
        var result = JSONObject()
        result["id"] = .string("batch_req_\(unique)")
        result["custom_id"] = customID.map { .string($0) } ?? .null
        let outcome: Outcome
        if let document, customID != nil {
            outcome = Self.outcome(of: document, unique: unique, model: model)
        } else {
            let what = line == nil ? "is too long" : "cannot be matched with a request"
            outcome = .failed(code: "unreadable_result", message: "A result of \(Wire.providerName) \(what).")
        }
        switch outcome {
        case .answered(let response):
            isError = false
            result["response"] = response
            result["error"] = .null
        case .refused(let response):
            isError = true
            result["response"] = response
            result["error"] = .null
        case .failed(let code, let message):
            isError = true
            result["response"] = .null
            result["error"] = ["code": .string(code), "message": .string(message)]
        }
        bytes = InputLine.terminated(.object(result))
    }

    private enum Outcome {
        case answered(JSON)
        case refused(JSON)
        case failed(code: String, message: String)
    }

    private static func outcome(of document: JSON, unique: String, model: String) -> Outcome {
        if let status = document["status"]?.string, !status.isEmpty { return refusal(status, unique: unique) }
        guard let response = document["response"], response.object != nil else {
            return .failed(code: "no_response", message: "\(Wire.providerName) gave no answer to this request.")
        }
        let time = response["createTime"]?.string ?? document["processed_time"]?.string
        let identity = AnswerIdentity(
            created: Timestamp.unixSeconds(time) ?? 0,
            model: model,
            uniqueText: unique
        )
        do throws(Failure) {
            let answer = try ChatAnswer(response, identity: identity)
            return .answered(["status_code": 200, "request_id": .string(unique), "body": answer.body])
        } catch {
            return .failed(code: "no_response", message: error.message)
        }
    }

    /// A status is a sentence, or one that ends in the error that Vertex AI would have answered with.
    private static func refusal(_ status: String, unique: String) -> Outcome {
        let text = Array(status.utf8)
        let document = text.firstIndex(of: UInt8(ascii: "{")).flatMap { Wire.document(Array(text[$0...])) }
        guard let error = document?["error"], error.object != nil else {
            let message = UpstreamError(status: 500, headers: [], body: text).message
            return .failed(code: "provider_error", message: message)
        }
        let upstream = UpstreamError(status: nil, error: error)
        let failure = upstream.failure(service: Wire.providerName)
        // As the gateway answers itself: its own credentials are nothing the client can mend.
        let code = [401, 403].contains(upstream.status) ? 502 : min(max(upstream.status, 400), 599)
        let body: JSON = [
            "error": [
                "message": .string(failure.message),
                "type": code < 500 ? "invalid_request_error" : "server_error", "param": .null,
                "code": upstream.code.isEmpty ? .null : .string(upstream.code.lowercased()),
            ]
        ]
        return .refused(["status_code": .integer(Int64(code)), "request_id": .string(unique), "body": body])
    }
}
