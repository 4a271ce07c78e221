import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// Responses that a provider keeps: retrieve, delete, cancel, input items; they are made in the fast lane.
struct ResponseRoutes: Sendable {
    // The router does not come back from /openai, which other routes have, to try :provider.
    static let roots = ["/v1/responses", "/responses", "/:provider/v1/responses", "/openai/v1/responses"]

    private static let longestQuery = 4096

    let services: GatewayServices

    func add(to table: inout RouteTable) {
        let paths = { (suffix: String) in Self.roots.map { $0 + suffix } }
        table.add(.get, paths("/:response_id")) { try await answer($0, .responseGet, .read) }
        table.add(.delete, paths("/:response_id")) { try await delete($0) }
        table.add(.post, paths("/:response_id/cancel")) { try await answer($0, .responseCancel, .delete) }
        table.add(.get, paths("/:response_id/input_items")) { try await answer($0, .responseItems, .read) }
    }

    /// Passes on what the provider says of a response.
    private func answer(_ call: Call, _ kind: OperationKind, _ action: FileAction) async throws -> Response {
        let query = kind == .responseCancel ? nil : try query(of: call)
        let isStreaming = try kind == .responseGet && wantsStream(call)
        let (response, clientID) = try await response(call, action)
        let target = try target(of: response, clientID)
        guard let providerID = response.providerID, let input = ResponseInput(id: providerID, query: query).json else {
            throw RuleError.notFound(.response, clientID)
        }
        var ids = ShownIDs(of: response, clientID: clientID, for: call.principal, services)
        do {
            let stream = try services.plugins.stream(
                OperationRequest(
                    kind,
                    requestID: call.context.callID,
                    input: input,
                    isStreaming: isStreaming
                ),
                on: response.deployment,
                loop: call.context.channel.eventLoop
            )
            let answer = AnswerStream(stream, deployment: target.deployment, channel: call.context.channel)
            let headers: HTTPFields = [.modelID: target.deployment.id.description]
            switch try await answer.firstPart() {
            case .result(let result):
                return .json(try await ids.rewritten(result.data, isLast: true), headers: headers)
            case .pipe(let status, let upstream):
                return piped(answer, status: status, upstream.first(name: "content-type"), headers, ids)
            case .event(let payload, let name):
                return events(answer, (payload, name), headers, ids)
            case .bytes, .usage:
                let failure = OperationFailure(.pluginFailed, "The plugin gave no answer.")
                throw DeploymentFailure(deployment: target.deployment, failure: failure)
            }
        } catch let failure as DeploymentFailure {
            if failure.failure.reason == .notFound { throw RuleError.notFound(.response, clientID) }
            throw DeploymentFailure(deployment: failure.deployment, failure: failure.failure.renaming(ids.texts))
        }
    }

    private func piped(
        _ answer: AnswerStream,
        status: Int,
        _ contentType: String?,
        _ headers: HTTPFields,
        _ ids: ShownIDs
    ) -> Response {
        var headers = headers
        headers[.contentType] = contentType ?? "application/json"
        let body = ResponseBody { [ids] writer in
            var ids = ids
            while true {
                switch try await answer.nextPart() {
                case .bytes(let bytes): try await writer.write(try await ids.rewritten(bytes, isLast: false))
                case .result:
                    try await writer.write(try await ids.rewritten(ByteBuffer(), isLast: true))
                    return try await writer.finish(nil)
                case .pipe, .event, .usage: continue
                }
            }
        }
        return Response(status: .init(code: status), headers: headers, body: body)
    }

    private func events(
        _ answer: AnswerStream,
        _ first: (payload: ByteBuffer, name: String),
        _ headers: HTTPFields,
        _ ids: ShownIDs
    ) -> Response {
        var headers = headers
        headers[.contentType] = "text/event-stream; charset=utf-8"
        headers[.cacheControl] = "no-cache"
        let body = ResponseBody { [ids] writer in
            var (ids, next, count) = (ids, Optional(first), 0)
            while true {
                if let event = next {
                    let payload = try await ids.rewritten(event.payload, isLast: true)
                    try await writer.write(ServerSentEvent.frame(payload, name: event.name))
                    count += 1
                }
                next = nil
                do {
                    switch try await answer.nextPart() {
                    case .event(let payload, let name): next = (payload, name)
                    case .result: return try await writer.finish(nil)
                    case .pipe, .bytes, .usage: continue
                    }
                } catch let failure as DeploymentFailure where failure.failure.reason != .cancelled {
                    try await writer.write(try ServerSentEvent.responseError(failure, number: count))
                    return try await writer.finish(nil)
                }
            }
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    /// Deletes a response at its provider, then its record; one that the provider does not have counts as deleted.
    private func delete(_ call: Call) async throws -> Response {
        let (response, clientID) = try await response(call, .delete)
        do {
            try await services.responseCare.remove(response, requestID: call.context.callID)
        } catch let failure as DeploymentFailure {
            let ids = ShownIDs(of: response, clientID: clientID, for: call.principal, services)
            throw DeploymentFailure(deployment: failure.deployment, failure: failure.failure.renaming(ids.texts))
        }
        try await services.registry.dropObject(response.id)
        return try .json(ResponseDeletion(id: clientID))
    }

    private func response(_ call: Call, _ action: FileAction) async throws -> (ManagedObject, clientID: String) {
        let clientID = try call.parameter("response_id")
        let requested = try services.objectIDs.requested(.response, clientID)
        return (try await services.registry.object(requested, for: call.principal, action: action), clientID)
    }

    private func target(of response: ManagedObject, _ clientID: String) throws(RuleError) -> PluginTarget {
        let served = services.plugins.current
        if let target = served.target(response.deployment) { return target }
        try served.checkWorks(response.deployment)
        throw RuleError(
            .responseNotFound,
            "The deployment that made the response \(clientID) is not configured any more.",
            parameter: ManagedObjectKind.response.parameter
        )
    }

    /// The query as the client sent it, for the provider.
    private func query(of call: Call) throws -> String? {
        guard let query = call.request.uri.query, !query.isEmpty else { return nil }
        guard query.utf8.count <= Self.longestQuery else {
            throw RuleError(.tooLarge, "The query is longer than \(Self.longestQuery) bytes.")
        }
        guard query.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }) else {
            throw RuleError(.invalidRequest, "The query is not valid percent-encoded text.")
        }
        return query
    }

    private func wantsStream(_ call: Call) throws -> Bool {
        switch try QueryParameters(call.request)["stream"]?.lowercased() {
        case nil, "false"?, ""?: return false
        case "true"?: return true
        case _?: throw RuleError(.invalidRequest, "stream must be true or false.", parameter: "stream")
        }
    }
}

/// What the deletion of a response answers.
private struct ResponseDeletion: Encodable {
    let id: String
    let object = "response"
    let deleted = true
}
