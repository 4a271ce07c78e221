import NIOCore

/// Reads a batch's input file before anything of it is answered.
struct BatchValidation {
    private static let largestFile = 200 * 1024 * 1024
    private static let mostRequests = 50_000
    /// OpenAI lists the first faults, not all of them.
    private static let mostErrors = 20

    let account: OpenAIAccount
    let endpoint: String

    private(set) var errors: [JSON] = []
    private(set) var requests = 0
    private(set) var model: String?
    private var customIDs: Set<String> = []

    init(account: OpenAIAccount, endpoint: String) {
        (self.account, self.endpoint) = (account, endpoint)
    }

    /// Reads a file; what is wrong with it is in `errors`.
    mutating func read(_ file: OpenAIFile?) throws {
        guard let file else { return fault("invalid_file", "The input file no longer exists.", param: "input_file_id") }
        guard file.purpose == "batch" else {
            let message = "Invalid file purpose: expected 'batch', but got '\(file.purpose)'."
            return fault("invalid_file_purpose", message, param: "input_file_id")
        }
        guard file.blob.bytes <= Self.largestFile else {
            let message = "The batch input file is larger than the 200 MB maximum."
            return fault("file_too_large", message, param: "input_file_id")
        }
        var lines = try BlobLines(file.blob, in: account.files.blobs)
        var number = 0
        while let line = try lines.next(), errors.count < Self.mostErrors {
            number += 1
            guard !line.isBlank else { continue }
            requests += 1
            do {
                try check(try JSONParser.parse(line.readableBytesView), at: number)
            } catch is JSONParserError {
                fault("invalid_json_line", "This line is not parseable as valid JSON.", line: number)
            }
        }
        if number == 0 || requests == 0 {
            fault("empty_file", "The batch input file is empty.", param: "input_file_id")
        }
        if requests > Self.mostRequests {
            let message = "The batch input file contains more than the maximum of \(Self.mostRequests) requests."
            fault("too_many_requests", message, param: "input_file_id")
        }
    }

    private mutating func check(_ json: JSON, at line: Int) throws {
        let request: JSON
        do {
            request = try ShapeReader(acceptsSnakeCase: false).read(json, as: Self.shape)
        } catch {
            let error = OpenAIError(error)
            return fault(error.code ?? "invalid_request", error.message, line: line, param: error.param)
        }
        let id = request["custom_id"]?.string ?? ""
        if !customIDs.insert(id).inserted {
            let message =
                "The custom_id for this request is a duplicate of another request. The custom_id parameter must be "
                + "unique for each request in a batch."
            fault("duplicate_custom_id", message, line: line, param: "custom_id")
        }
        if request["url"]?.string != endpoint {
            let message = "The URL provided for this request does not match the batch endpoint."
            fault("mismatched_url", message, line: line, param: "url")
        }
        checkModel(request["body"]?["model"]?.string, at: line)
        if request["body"]?["stream"]?.bool == true {
            fault("invalid_request", "Streaming is not supported in the Batch API.", line: line, param: "body.stream")
        }
    }

    private mutating func checkModel(_ name: String?, at line: Int) {
        guard let name else {
            let message = "Missing required parameter: 'body.model'."
            return fault("missing_required_parameter", message, line: line, param: "body.model")
        }
        guard let known = account.knownModel(name) else {
            let message = "The provided model '\(name)' is not supported by the Batch API."
            return fault("model_not_found", message, line: line, param: "body.model")
        }
        guard known.snapshot == model ?? known.snapshot else {
            let message = "A batch may contain requests to one model only."
            return fault("mismatched_model", message, line: line, param: "body.model")
        }
        model = known.snapshot
    }

    private mutating func fault(_ code: String, _ message: String, line: Int? = nil, param: String? = nil) {
        guard errors.count < Self.mostErrors else { return }
        errors.append([
            "code": .string(code), "line": line.map(JSON.integer) ?? .null, "message": .string(message),
            "param": param.map(JSON.string) ?? .null,
        ])
    }

    private static let shape = Shape.record(
        ["custom_id": .string, "method": .choice(["POST"]), "url": .string, "body": .map(.any)],
        required: ["custom_id", "method", "url", "body"]
    )
}
