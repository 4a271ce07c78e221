import HTTPTypes

/// An answer of Google's that is an error, in the form of the service that gives it.
struct GoogleError: Error {
    enum Form {
        /// Vertex AI: `{"error":{"code","message","status","details"}}`.
        case rpc
        /// Cloud Storage: `{"error":{"code","message","errors":[…]}}`.
        case storage
        /// The token endpoint: `{"error","error_description"}`.
        case oauth
    }

    let form: Form
    let status: Int
    let message: String
    /// An RPC status, a storage reason or an OAuth error, as the form has it.
    let reason: String
    var details: [JSON] = []
    var headers: HTTPFields = [:]

    static func rpc(_ status: Int, _ reason: String, _ message: String, details: [JSON] = []) -> GoogleError {
        GoogleError(form: .rpc, status: status, message: message, reason: reason, details: details)
    }

    /// A refusal of Vertex AI's: 400, `INVALID_ARGUMENT`.
    static func invalid(_ message: String) -> GoogleError { .rpc(400, "INVALID_ARGUMENT", message) }

    static func storage(_ status: Int, _ reason: String, _ message: String) -> GoogleError {
        GoogleError(form: .storage, status: status, message: message, reason: reason)
    }

    static func oauth(_ status: Int, _ reason: String, _ message: String) -> GoogleError {
        GoogleError(form: .oauth, status: status, message: message, reason: reason)
    }

    /// A token that is missing, false or expired.
    static func unauthenticated(form: Form) -> GoogleError {
        let message =
            form == .storage
            ? "Invalid Credentials"
            : "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
                + "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
        var error = GoogleError(
            form: form,
            status: 401,
            message: message,
            reason: form == .storage ? "authError" : "UNAUTHENTICATED"
        )
        error.headers[.wwwAuthenticate] = "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\""
        return error
    }

    /// What Google usually says with a status.
    static func standard(status: Int) -> GoogleError {
        let known: [Int: (reason: String, message: String)] = [
            400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
            401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
            403: ("PERMISSION_DENIED", "The caller does not have permission."),
            404: ("NOT_FOUND", "Requested entity was not found."),
            409: ("ABORTED", "The operation was aborted."),
            429: ("RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later."),
            500: ("INTERNAL", "Internal error encountered."),
            503: ("UNAVAILABLE", "The service is currently unavailable."),
            504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
        ]
        let (reason, message) = known[status] ?? ("UNKNOWN", "The request was refused.")
        guard status == 429 else { return .rpc(status, reason, message) }
        let retry: JSON = ["@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"]
        return .rpc(status, reason, message, details: [retry])
    }

    /// The answer as it goes out.
    var reply: Reply { .json(json, status: status, headers: headers) }

    /// The body of the answer.
    var json: JSON {
        switch form {
        case .rpc:
            [
                "error": .members([
                    "code": .integer(status), "message": .string(message), "status": .string(reason),
                    "details": details.isEmpty ? nil : .array(details),
                ])
            ]
        case .storage:
            [
                "error": [
                    "code": .integer(status), "message": .string(message),
                    "errors": [["message": .string(message), "domain": "global", "reason": .string(reason)]],
                ]
            ]
        case .oauth: ["error": .string(reason), "error_description": .string(message)]
        }
    }

    /// A value of a wrong shape, in Google's words.
    static func shape(_ error: ShapeError, form: Form) -> GoogleError {
        let place = error.path.isEmpty ? "" : " at '\(error.path)'"
        let message =
            switch error.reason {
            case .unknownMember(let name):
                "Invalid JSON payload received. Unknown name \"\(name)\"\(place): Cannot find field."
            case .missingMember(let name): "Invalid JSON payload received. Missing field \"\(name)\"\(place)."
            case .wrongKind(_, let value): "Invalid value\(place), \(value.text.prefix(80))"
            case .wrongChoice(_, let value): "Invalid value\(place): \"\(value)\""
            }
        guard form == .rpc else { return .storage(400, "invalid", message) }
        let violation: JSON = ["field": .string(error.path), "description": .string(message)]
        let details: JSON = ["@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]]
        return .rpc(400, "INVALID_ARGUMENT", message, details: [details])
    }
}
