import GantryPlugin

/// Builds the requests of one deployment.
///
/// Source: <https://platform.openai.com/docs/api-reference>, read 2026-11-22.
struct Requests: Sendable {
    /// Asks for a chat completion; without its body.
    let chat: HTTPRequest
    /// Asks for embeddings; without its body.
    let embeddings: HTTPRequest
    /// Asks for a response; without its body.
    let responses: HTTPRequest
    private let base: String
    private let headers: [Header]

    init(settings: Settings) {
        base = settings.base
        headers = settings.headers
        let json = settings.headers + [Header("Content-Type", "application/json")]
        chat = HTTPRequest(method: "POST", url: base + "/chat/completions", headers: json, framing: .raw)
        embeddings = HTTPRequest(method: "POST", url: base + "/embeddings", headers: json, framing: .raw)
        responses = HTTPRequest(method: "POST", url: base + "/responses", headers: json)
    }

    /// Asks for JSON.
    func get(_ path: String, framing: HTTPRequest.Framing = .whole) -> HTTPRequest {
        HTTPRequest(method: "GET", url: base + path, headers: headers, framing: framing, isIdempotent: true)
    }

    /// Makes something.
    func create(_ path: String, _ body: JSON) -> HTTPRequest {
        // Sent once: a second one that nobody knows of would come of an answer that was lost.
        HTTPRequest(
            method: "POST",
            url: base + path,
            headers: headers + [Header("Content-Type", "application/json")],
            body: [.bytes(body.serialized())],
            allowsRetry: false
        )
    }

    /// Changes the state of something; doing so twice is as good as once.
    func act(_ path: String) -> HTTPRequest {
        HTTPRequest(
            method: "POST",
            url: base + path,
            headers: headers + [Header("Content-Type", "application/json")],
            isIdempotent: true
        )
    }

    /// Deletes something.
    func delete(_ path: String) -> HTTPRequest {
        HTTPRequest(method: "DELETE", url: base + path, headers: headers, isIdempotent: true)
    }

    /// Sends a form with a file.
    func upload(_ form: FileUpload.Form) -> HTTPRequest {
        let type = Header("Content-Type", "multipart/form-data; boundary=\(form.boundary)")
        // Sent once: a second file that nobody knows of would come of an answer that was lost.
        return HTTPRequest(
            method: "POST",
            url: base + "/files",
            headers: headers + [type],
            body: form.body,
            allowsRetry: false
        )
    }

    /// Asks for bytes, for an answer that is piped; a range that HTTP does not allow is left out.
    func download(_ path: String, range: String?) -> HTTPRequest {
        var headers = headers
        let allowed = "0123456789-, ".utf8
        if let range, range.hasPrefix("bytes="), range.utf8.dropFirst(6).allSatisfy({ allowed.contains($0) }) {
            headers.append(Header("Range", range))
        }
        return HTTPRequest(method: "GET", url: base + path, headers: headers, framing: .raw, isIdempotent: true)
    }

    // MARK: Parts

    /// The id of an operation on one thing.
    static func id(of input: JSON) throws(Failure) -> String {
        // A dot segment would make another path of it (RFC 3986 §5.2.4).
        guard let id = input["id"]?.string, !["", ".", ".."].contains(id) else {
            throw Failure(.notFound, "The operation names nothing that the provider could have.", parameter: "id")
        }
        return id
    }

    /// A text without which the operation makes no sense.
    static func text(_ name: String, of input: JSON) throws(Failure) -> String {
        guard let text = input[name]?.string, !text.isEmpty else {
            throw Failure(.internalError, "The host does not say `\(name)`.")
        }
        return text
    }

    /// Unix seconds before which a search need not go.
    static func since(of input: JSON) throws(Failure) -> Int64 {
        guard let since = input["since"]?.integer else {
            throw Failure(.internalError, "The host does not say `since`.")
        }
        return since
    }

    /// The members of those names that are there.
    static func members(_ names: [String], of input: JSON) -> JSON {
        var members = JSONObject()
        for name in names {
            if let value = input[name], !value.isNull { members.append(name: name, value: value) }
        }
        return .object(members)
    }

    /// The path of one thing in a collection such as `/files`.
    static func path(_ collection: String, _ input: JSON) throws(Failure) -> String {
        collection + "/" + Wire.percentEncoded(try id(of: input))
    }

    /// The path of a page of a collection.
    static func page(_ collection: String, limit: Int64? = nil, after: JSON?) -> String {
        var query: [String] = []
        if let limit { query.append("limit=\(limit)") }
        if let after = after?.string { query.append("after=\(Wire.percentEncoded(after))") }
        return query.isEmpty ? collection : collection + "?" + query.joined(separator: "&")
    }

    /// The path of a list of files, newest first.
    static func searchPath(_ input: JSON) -> String {
        let after = input["after"]?.string.map { "&after=" + Wire.percentEncoded($0) } ?? ""
        return "/files?order=desc&limit=1000" + after
    }
}

/// A file that is to be uploaded.
struct FileUpload {
    /// A `multipart/form-data` body (RFC 7578).
    struct Form {
        let boundary: String
        let body: [Segment]
    }

    /// The length of the file in bytes, if the host told it.
    let bytes: Int64?

    let filename: String
    let purpose: String
    private let mediaType: String
    private let lifetimeInSeconds: Int64?

    /// Reads the operation's input; `purposes` are the provider's own names for some.
    init(_ input: JSON, purposes: [String: String] = [:]) throws(Failure) {
        guard let filename = input["filename"]?.string, let purpose = input["purpose"]?.string else {
            throw Failure(.internalError, "The host names neither filename nor purpose of the file.")
        }
        self.filename = filename
        // The proxy whose clients are served here takes `messages`; OpenAI knows the same thing as `user_data`.
        self.purpose = purposes[purpose] ?? (purpose == "messages" ? purposes["user_data"] ?? "user_data" : purpose)
        mediaType = Wire.mediaType(input["mime_type"]?.string)
        bytes = input["bytes"]?.integer
        lifetimeInSeconds = input["expires_in"]?.integer
    }

    /// The form: the fields, and after them the file, which the host puts in.
    func form(boundary: String) -> Form {
        var text = Self.field("purpose", purpose, boundary)
        if let lifetimeInSeconds {
            text += Self.field("expires_after[anchor]", "created_at", boundary)
            text += Self.field("expires_after[seconds]", String(lifetimeInSeconds), boundary)
        }
        text += "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; "
        text += "filename=\"\(Wire.formName(filename))\"\r\nContent-Type: \(mediaType)\r\n\r\n"
        return Form(boundary: boundary, body: [.text(text), .source(), .text("\r\n--\(boundary)--\r\n")])
    }

    private static func field(_ name: String, _ value: String, _ boundary: String) -> String {
        "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
    }
}
