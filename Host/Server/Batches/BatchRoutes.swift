import HostCore
import HostPlugins
import HostRegistry
import Hummingbird

/// The batches of the caller: create, list, retrieve, cancel.
struct BatchRoutes: Sendable {
    let services: GatewayServices

    func add(to table: inout RouteTable) {
        // The router does not come back from /openai, which other routes have, to try :provider.
        let roots = ["/v1/batches", "/batches", "/:provider/v1/batches", "/openai/v1/batches"]
        let paths = { (suffix: String) in roots.map { $0 + suffix } }
        table.add(.post, paths("")) { try await create($0) }
        table.add(.get, paths("")) { try await list($0) }
        table.add(.get, paths("/:batch_id")) { try await retrieve($0) }
        table.add(.post, paths("/:batch_id/cancel")) { try await cancel($0) }
    }

    private func create(_ call: Call) async throws -> Response {
        let body = try await call.decoded(NewBatchBody.self)
        try body.check()
        // Who leaves gets nothing: what was begun is undone.
        let batch = try await cancellingOnDisconnect(of: call.context.channel) { [services] in
            try await BatchCreation(services: services, callID: call.context.callID).create(body, for: call.principal)
        }
        return .json(try BatchObject(batch, services).json())
    }

    private func list(_ call: Call) async throws -> Response {
        let query = try PageQuery(try QueryParameters(call.request))
        let after = try query.after.map { text throws(RuleError) in
            try services.objectIDs.requested(.batch, text)
        }
        let listing = try ObjectListing(.batch, limit: query.limit ?? 20, after: after)
        let page = try await services.registry.listObjects(for: call.principal, listing)
        let batches = try page.objects.map { try BatchObject($0, services) }
        return try .json(
            ObjectList(
                data: batches.map(\.value),
                firstID: batches.first?.id,
                lastID: batches.last?.id,
                hasMore: page.hasMore
            )
        )
    }

    private func retrieve(_ call: Call) async throws -> Response {
        let (batch, requested) = try await find(call, .read)
        let current = try await services.keeper.current(batch, for: call.principal, requested)
        return .json(try BatchObject(current, services).json())
    }

    private func cancel(_ call: Call) async throws -> Response {
        let (batch, requested) = try await find(call, .delete)
        let cancelled = try await ObjectCommand(
            services: services,
            care: services.batchCare,
            callID: call.context.callID
        ).cancel(batch, for: call.principal, requested)
        return .json(try BatchObject(cancelled, services).json())
    }

    private func find(_ call: Call, _ action: FileAction) async throws -> (ManagedObject, RequestedObject) {
        let requested = try services.objectIDs.requested(.batch, try call.parameter("batch_id"))
        return (try await services.registry.object(requested, for: call.principal, action: action), requested)
    }
}
