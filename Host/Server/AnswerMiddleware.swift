import HTTPTypes
import HostRegistry
import Hummingbird
import Logging
import NIOHTTP1

/// Gives every answer its call id, and every error its OpenAI form; writes the one log line of a request.
struct AnswerMiddleware: RouterMiddleware {
    func handle(
        _ request: Request,
        context: GatewayContext,
        next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as HTTPParserError {
            // The rest of the request is unreadable: Hummingbird answers and closes.
            throw error
        } catch {
            response = try answer(for: error, context: context)
        }
        response.headers[.callID] = context.callID
        context.logger.debug(
            "request answered",
            metadata: [
                "call.id": "\(context.callID)", "http.method": "\(request.method)",
                "http.route": "\(context.endpointPath ?? "-")", "http.status": "\(response.status.code)",
            ]
        )
        return response
    }

    private func answer(for error: any Error, context: GatewayContext) throws -> Response {
        var headers: HTTPFields = [:]
        let refusal: GatewayError
        if let error = error as? MethodNotAllowed {
            let allowed = error.allowed.map(\.rawValue).joined(separator: ", ")
            headers[.allow] = allowed
            refusal = GatewayError(
                .methodNotAllowed,
                code: "method_not_allowed",
                message: "This route takes \(allowed)."
            )
        } else {
            refusal = ErrorResponses.logged(error, callID: context.callID, context.logger)
        }
        if let seconds = refusal.retryAfter { headers[.retryAfter] = "\(seconds)" }
        return try .json(refusal.body, status: refusal.status, headers: headers)
    }
}
