import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// Turns the errors of every module into answers; nothing below it knows HTTP.
enum ErrorResponses {
    /// The answer for an error, whatever threw it.
    static func answer(for error: any Error) -> GatewayError {
        switch error {
        case let error as GatewayError: error
        case let error as RuleError: answer(for: error)
        case let error as RegistryError: answer(for: error)
        case let error as FanOutFailure: answer(for: error.failure, deployment: error.deployment)
        case let error as DeploymentFailure: answer(for: error.failure, deployment: error.deployment)
        case let error as SpoolError: answer(for: error)
        case let error as MissingPart: answer(for: error)
        case let error as any HTTPResponseError: answer(for: error)
        default: GatewayError(.internalServerError, type: "api_error", message: "The gateway failed. Try again.")
        }
    }

    /// The answer for an error, which is logged if it is not the client's.
    static func logged(_ error: any Error, callID: String, _ logger: Logger) -> GatewayError {
        let refusal = answer(for: error)
        if refusal.status.code >= 500 {
            logger.error(
                "request failed",
                metadata: [
                    "call.id": "\(callID)", "error": "\(refusal)",
                    "error.cause": "\((error as? RegistryError)?.detailedMessage ?? "\(type(of: error))")",
                ]
            )
        }
        return refusal
    }

    private static func answer(for error: RuleError) -> GatewayError {
        let (status, type, code): (HTTPResponse.Status, String, String?) =
            switch error.code {
            case .invalidRequest: (.badRequest, "invalid_request_error", nil)
            case .unsupported: (.badRequest, "invalid_request_error", "unsupported")
            case .modelNotFound: (.badRequest, "invalid_request_error", "model_not_found")
            case .keyModelAccessDenied: (.forbidden, "permission_error", "key_model_access_denied")
            case .adminOnly: (.forbidden, "permission_error", "admin_only")
            case .fileNotFound: (.notFound, "invalid_request_error", "file_not_found")
            case .fileExpired: (.notFound, "invalid_request_error", "file_expired")
            case .fileLost: (.notFound, "invalid_request_error", "file_lost")
            case .fileAccessDenied: (.forbidden, "permission_error", "file_access_denied")
            case .rawFileID: (.badRequest, "invalid_request_error", "raw_file_id")
            case .batchNotFound: (.notFound, "invalid_request_error", "batch_not_found")
            case .batchAccessDenied: (.forbidden, "permission_error", "batch_access_denied")
            case .jobNotFound: (.notFound, "invalid_request_error", "job_not_found")
            case .jobAccessDenied: (.forbidden, "permission_error", "job_access_denied")
            case .responseNotFound: (.notFound, "invalid_request_error", "response_not_found")
            case .responseAccessDenied: (.forbidden, "permission_error", "response_access_denied")
            case .uploadNotFound: (.notFound, "invalid_request_error", "upload_not_found")
            case .uploadAccessDenied: (.forbidden, "permission_error", "upload_access_denied")
            case .uploadExpired: (.badRequest, "invalid_request_error", "upload_expired")
            case .uploadCompleted: (.badRequest, "invalid_request_error", "upload_completed")
            case .uploadCancelled: (.badRequest, "invalid_request_error", "upload_cancelled")
            case .uploadUnderWay: (.conflict, "invalid_request_error", "upload_under_way")
            case .tooLarge: (.contentTooLarge, "invalid_request_error", "too_large")
            case .pluginFailed: (.serviceUnavailable, "api_error", "plugin_failed")
            }
        return GatewayError(
            status,
            type: type,
            code: code,
            parameter: error.parameter,
            message: error.message,
            retryAfter: Self.retryAfter(error.code)
        )
    }

    /// Seconds.
    private static func retryAfter(_ code: RuleError.Code) -> Int64? {
        switch code {
        case .uploadUnderWay: 5
        case .pluginFailed: 10
        default: nil
        }
    }

    private static func answer(for error: RegistryError) -> GatewayError {
        switch error.code {
        case .notFound:
            GatewayError(.notFound, code: "not_found", parameter: error.parameter, message: error.message)
        case .conflict:
            GatewayError(.conflict, code: "conflict", parameter: error.parameter, message: error.message)
        case .invalid: GatewayError(.badRequest, parameter: error.parameter, message: error.message)
        case .forbidden: forbidden(error, code: "admin_only")
        case .modelsForbidden: forbidden(error, code: "key_model_access_denied")
        case .internalError: GatewayError(.internalServerError, type: "api_error", message: error.message)
        case .storeUnavailable, .schemaTooNew: unavailable(error.message)
        }
    }

    private static func forbidden(_ error: RegistryError, code: String) -> GatewayError {
        GatewayError(
            .forbidden,
            type: "permission_error",
            code: code,
            parameter: error.parameter,
            message: error.message
        )
    }

    private static func unavailable(_ message: String) -> GatewayError {
        GatewayError(
            .serviceUnavailable,
            type: "api_error",
            code: "registry_unavailable",
            message: message,
            retryAfter: 2
        )
    }

    private static func answer(for error: SpoolError) -> GatewayError {
        GatewayError(
            .serviceUnavailable,
            type: "api_error",
            code: "spool_unavailable",
            message: error.message,
            retryAfter: 30
        )
    }

    /// The host is named, so that whoever runs several of them can tell where the client's requests went.
    private static func answer(for error: MissingPart) -> GatewayError {
        guard let host = error.elsewhere else {
            return GatewayError(
                .conflict,
                code: "upload_part_lost",
                parameter: "part_ids",
                message:
                    "A part of this upload is lost: its content is not on this host any more. Begin another upload."
            )
        }
        return GatewayError(
            .conflict,
            code: "upload_part_elsewhere",
            parameter: "part_ids",
            message:
                "A part of this upload lies on the gateway's host \(host), and another one was asked to complete it. "
                + "Send all requests of an upload to one host, or set general_settings.uploads_folder to a folder that "
                + "all hosts share."
        )
    }

    /// A provider's failure; the message names the deployment and carries the provider's own text.
    private static func answer(for failure: OperationFailure, deployment: Deployment) -> GatewayError {
        let (status, type, code) = classify(failure.reason)
        let retryAfter = failure.retryAfter.map { max(1, $0.components.seconds) }
        let mayWait = status == .tooManyRequests || status == .serviceUnavailable
        return GatewayError(
            status,
            type: type,
            code: code,
            parameter: failure.parameter,
            message: "\(deployment.modelName) (deployment \(deployment.id)): \(failure.message)",
            retryAfter: mayWait ? retryAfter ?? 1 : nil
        )
    }

    private static func classify(_ reason: OperationFailure.Reason) -> (HTTPResponse.Status, String, String?) {
        switch reason {
        case .invalid: (.badRequest, "invalid_request_error", nil)
        case .unsupported: (.badRequest, "invalid_request_error", "unsupported")
        case .contextLength: (.badRequest, "invalid_request_error", "context_length_exceeded")
        case .filtered: (.badRequest, "invalid_request_error", "content_filter")
        case .notFound: (.notFound, "invalid_request_error", "not_found")
        case .conflict: (.conflict, "invalid_request_error", "conflict")
        case .tooLarge: (.contentTooLarge, "invalid_request_error", "too_large")
        case .rateLimit: (.tooManyRequests, "rate_limit_error", "rate_limit_exceeded")
        case .quota: (.tooManyRequests, "rate_limit_error", "insufficient_quota")
        // Never 401: the client would think that its own key is bad.
        case .upstreamAuthentication: (.badGateway, "api_error", "upstream_authentication")
        case .upstreamUnavailable: (.serviceUnavailable, "api_error", "upstream_unavailable")
        case .upstreamTimeout: (.gatewayTimeout, "api_error", "upstream_timeout")
        case .upstreamProtocol: (.badGateway, "api_error", "upstream_protocol")
        case .cancelled: (.init(code: 499, reasonPhrase: "Client Closed Request"), "api_error", "cancelled")
        case .internalError: (.internalServerError, "api_error", "internal_error")
        case .pluginFailed: (.serviceUnavailable, "api_error", "plugin_failed")
        case .journalUnavailable: (.serviceUnavailable, "api_error", "registry_unavailable")
        }
    }

    /// What Hummingbird itself refuses: no such route, a body that is too long.
    private static func answer(for error: any HTTPResponseError) -> GatewayError {
        switch error.status {
        case .notFound: GatewayError(.notFound, code: "route_not_found", message: "There is no such route.")
        case .contentTooLarge: GatewayError(.contentTooLarge, code: "too_large", message: "The body is too long.")
        case .badRequest: GatewayError(.badRequest, message: "The request is malformed.")
        default: GatewayError(error.status, type: "api_error", message: error.status.reasonPhrase)
        }
    }
}
