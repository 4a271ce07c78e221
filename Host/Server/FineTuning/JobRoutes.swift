import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import Hummingbird

/// The fine-tuning jobs of the caller: create, list, retrieve, cancel, pause, resume, and what became of them.
struct JobRoutes: Sendable {
    /// Longer lists are not searched by metadata.
    private static let mostSearched = 5000

    let services: GatewayServices

    func add(to table: inout RouteTable) {
        // The router does not come back from /openai, which other routes have, to try :provider.
        let roots = ["/v1", "", "/:provider/v1", "/openai/v1"].map { $0 + "/fine_tuning/jobs" }
        let paths = { (suffix: String) in roots.map { $0 + suffix } }
        table.add(.post, paths("")) { try await create($0) }
        table.add(.get, paths("")) { try await list($0) }
        table.add(.get, paths("/:job_id")) { try await retrieve($0) }
        table.add(.post, paths("/:job_id/cancel")) { try await cancel($0) }
        table.add(.post, paths("/:job_id/pause")) { try await run(.tunePause, "pause", $0) }
        table.add(.post, paths("/:job_id/resume")) { try await run(.tuneResume, "resume", $0) }
        table.add(.get, paths("/:job_id/events")) { try await events(of: $0) }
        table.add(.get, paths("/:job_id/checkpoints")) { try await checkpoints(of: $0) }
    }

    private func create(_ call: Call) async throws -> Response {
        let body = try await call.decoded(NewJobBody.self)
        try body.check(services.fileIDs)
        // Who leaves gets nothing: what was begun is undone.
        let job = try await cancellingOnDisconnect(of: call.context.channel) { [services] in
            try await JobCreation(services: services, callID: call.context.callID).create(body, for: call.principal)
        }
        return try answer(job)
    }

    private func list(_ call: Call) async throws -> Response {
        let parameters = try QueryParameters(call.request)
        let query = try PageQuery(parameters) { MetadataFilter.key(in: $0) != nil }
        let filter = MetadataFilter(parameters)
        let limit = query.limit ?? 20
        let page = try await jobs(
            filter,
            limit: limit,
            after: try query.after.map { text throws(RuleError) in try services.objectIDs.requested(.job, text) },
            for: call.principal
        )
        return try .json(
            ObjectList(
                data: try page.jobs.map { try JobObject($0, services).value },
                firstID: nil,
                lastID: nil,
                hasMore: page.hasMore
            )
        )
    }

    /// Goes through the caller's jobs until the page is full, and one more is known.
    private func jobs(
        _ filter: MetadataFilter,
        limit: Int,
        after: RequestedObject?,
        for principal: Principal
    ) async throws -> (jobs: [ManagedObject], hasMore: Bool) {
        var (after, found, searched) = (after, [ManagedObject](), 0)
        while true {
            let listing = try ObjectListing(.job, limit: filter.isEmpty ? limit : 100, after: after)
            let page = try await services.registry.listObjects(for: principal, listing)
            found += try page.objects.filter { try filter.fits(ObjectDocument($0.state.document)) }
            searched += page.objects.count
            let isFull = filter.isEmpty || found.count > limit
            guard !isFull, page.hasMore, let last = page.objects.last else {
                return (Array(found.prefix(limit)), found.count > limit || filter.isEmpty && page.hasMore)
            }
            guard searched < Self.mostSearched else {
                throw RuleError(
                    .invalidRequest,
                    "The \(searched) latest jobs were searched and there are more: go on with after, or list all.",
                    parameter: "metadata"
                )
            }
            after = RequestedObject(id: last.id, clientID: services.objectIDs.text(for: last))
        }
    }

    private func retrieve(_ call: Call) async throws -> Response {
        let (job, requested) = try await find(call, .read)
        return try answer(try await services.keeper.current(job, for: call.principal, requested))
    }

    private func cancel(_ call: Call) async throws -> Response {
        let (job, requested) = try await find(call, .delete)
        return try answer(try await command(call).cancel(job, for: call.principal, requested))
    }

    private func run(_ operation: OperationKind, _ verb: String, _ call: Call) async throws -> Response {
        let (job, requested) = try await find(call, .delete)
        return try answer(try await command(call).run(operation, verb, job, for: call.principal, requested))
    }

    private func events(of call: Call) async throws -> Response {
        let page = try await page(.tuneEvents, "events", usualLimit: 20, call)
        return try .json(ObjectList(data: page.data, firstID: nil, lastID: nil, hasMore: page.hasMore))
    }

    private func checkpoints(of call: Call) async throws -> Response {
        let page = try await page(.tuneCheckpoints, "checkpoints", usualLimit: 10, call)
        let ids = page.data.map { item -> String? in
            guard case .map(let members) = item else { return nil }
            return ObjectDocument(members).text("id")
        }
        return try .json(
            ObjectList(
                data: page.data,
                firstID: ids.first ?? nil,
                lastID: ids.last ?? nil,
                hasMore: page.hasMore
            )
        )
    }

    /// Asks the provider for what belongs to a job.
    private func page(
        _ operation: OperationKind,
        _ noun: String,
        usualLimit: Int,
        _ call: Call
    ) async throws -> (data: [ConfigurationValue], hasMore: Bool) {
        let query = try PageQuery(try QueryParameters(call.request))
        let (job, requested) = try await find(call, .read)
        let target = try services.target(of: job)
        guard let providerID = job.providerID, target.serves(operation) else {
            throw RuleError(
                .unsupported,
                "The provider of \(job.origin.modelName) tells no \(noun) of fine-tuning jobs.",
                parameter: ManagedObjectKind.job.parameter
            )
        }
        let names = try JobNames(job, services)
        let input = ObjectPageInput(id: providerID, after: query.after, limit: query.limit ?? usualLimit)
        let queries = ObjectQueries(plugins: services.plugins, requestID: call.context.callID)
        do throws(OperationFailure) {
            let result = try await services.plugins.run(queries.request(operation, input), on: job.deployment)
            let page = try ObjectPageResult(result)
            return (page.data.map(names.rewritten), page.hasMore)
        } catch {
            guard error.reason == .notFound, query.after == nil else {
                throw DeploymentFailure(deployment: target.deployment, failure: error.renaming(names.replacements))
            }
            throw GatewayError(
                .notFound,
                code: "job_\(noun)_not_found",
                parameter: ManagedObjectKind.job.parameter,
                message: "The provider no longer has the \(noun) of the fine-tuning job \(requested.clientID)."
            )
        }
    }

    private func command(_ call: Call) -> ObjectCommand {
        ObjectCommand(services: services, care: services.jobCare, callID: call.context.callID)
    }

    private func answer(_ job: ManagedObject) throws -> Response { .json(try JobObject(job, services).json()) }

    private func find(_ call: Call, _ action: FileAction) async throws -> (ManagedObject, RequestedObject) {
        let requested = try services.objectIDs.requested(.job, try call.parameter("job_id"))
        return (try await services.registry.object(requested, for: call.principal, action: action), requested)
    }
}
