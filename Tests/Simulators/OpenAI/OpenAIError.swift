import HTTPTypes

/// An answer of OpenAI's that is an error.
struct OpenAIError: Error {
    let status: Int
    let message: String
    var type = "invalid_request_error"
    var param: String?
    var code: String?

    /// The answer as it goes out.
    var reply: Reply {
        var headers: HTTPFields = [:]
        if status == 429 { headers.set("retry-after", "1") }
        return .json(
            [
                "error": [
                    "message": .string(message), "type": .string(type), "param": param.map(JSON.string) ?? .null,
                    "code": code.map(JSON.string) ?? .null,
                ]
            ],
            status: status,
            headers: headers
        )
    }

    /// A refusal of one field: 400.
    static func invalid(_ message: String, param: String? = nil, code: String? = nil) -> OpenAIError {
        OpenAIError(status: 400, message: message, param: param, code: code)
    }

    /// What OpenAI usually says with a status.
    static func standard(status: Int) -> OpenAIError {
        switch status {
        case 401:
            OpenAIError(status: status, message: "Incorrect API key provided.", code: "invalid_api_key")
        case 429:
            OpenAIError(
                status: status,
                message: "Rate limit reached for requests. Please try again in 1s.",
                type: "requests",
                code: "rate_limit_exceeded"
            )
        case 503:
            OpenAIError(
                status: status,
                message: "The engine is currently overloaded, please try again later.",
                type: "server_error"
            )
        case 500...:
            OpenAIError(
                status: status,
                message: "The server had an error while processing your request. Sorry about that!",
                type: "server_error"
            )
        default: OpenAIError(status: status, message: "The request was refused.")
        }
    }

    /// A value of a wrong shape, in OpenAI's words.
    init(_ error: ShapeError) {
        let path = error.path
        func member(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
        status = 400
        switch error.reason {
        case .unknownMember(let name):
            (message, param, code) = ("Unknown parameter: '\(member(name))'.", member(name), "unknown_parameter")
        case .missingMember(let name):
            message = "Missing required parameter: '\(member(name))'."
            (param, code) = (member(name), "missing_required_parameter")
        case .wrongKind(let expected, let value):
            message = "Invalid type for '\(path)': expected \(expected.expectation), but got \(value.kind) instead."
            (param, code) = (path, "invalid_type")
        case .wrongChoice(let expected, let value):
            let choices = expected.map { "'\($0)'" }
            let list = choices.dropLast().joined(separator: ", ") + (choices.count > 1 ? ", and " : "")
            message = "Invalid value: '\(value)'. Supported values are: \(list)\(choices.last ?? "")."
            (param, code) = (path, "invalid_value")
        }
    }

    /// The refusal that a failed request leads to, nil if the failure is the simulator's own.
    init?(refusal error: any Error) {
        switch error {
        case let error as OpenAIError: self = error
        case let error as ShapeError: self.init(error)
        case let error as MultipartError:
            self = .invalid("Could not parse multipart form: \(error.message).")
        case let error as BodyTooLarge:
            self.init(status: 413, message: "The request is larger than \(error.limit) bytes.")
        default: return nil
        }
    }

    init(
        status: Int,
        message: String,
        type: String = "invalid_request_error",
        param: String? = nil,
        code: String? = nil
    ) {
        (self.status, self.message, self.type, self.param, self.code) = (status, message, type, param, code)
    }
}
