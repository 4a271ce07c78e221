import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Hummingbird
import NIOCore
import NIOHTTP1

/// The files of the caller: create, list, retrieve, content, delete.
struct FileRoutes: Sendable {
    let services: GatewayServices

    func add(to table: inout RouteTable) {
        // The router does not come back from /openai, which other routes have, to try :provider.
        let roots = ["/v1/files", "/files", "/:provider/v1/files", "/openai/v1/files"]
        let paths = { (suffix: String) in roots.map { $0 + suffix } }
        table.add(.post, paths("")) { try await create($0) }
        table.add(.get, paths("")) { try await list($0) }
        table.add(.get, paths("/:file_id")) { try await retrieve($0) }
        table.add(.delete, paths("/:file_id")) { try await delete($0) }
        table.add(.post, paths("/:file_id/delete")) { try await delete($0) }
        table.add(.get, paths("/:file_id/content")) { try await content($0) }
    }

    private func create(_ call: Call) async throws -> Response {
        let file = try await cancellingOnDisconnect(of: call.context.channel) {
            try await UploadService(services: services).create(call)
        }
        return .json(try object(file).json())
    }

    private func list(_ call: Call) async throws -> Response {
        let query = try await ListQuery(call)
        let deployments =
            query.targetNames.isEmpty
            ? nil : Set(try await services.targets(named: query.targetNames, for: call.principal).map(\.id))
        let listing = try FileListing(
            limit: query.limit ?? 10_000,
            after: try query.after.map { try requested($0) },
            order: query.order,
            purpose: query.purpose,
            deployments: deployments
        )
        let page = try await services.registry.listFiles(for: call.principal, listing)
        return .json(try FileList(data: page.files.map(object), hasMore: page.hasMore).json())
    }

    private func retrieve(_ call: Call) async throws -> Response {
        .json(try object(try await file(call, .read)).json())
    }

    /// Deletes every copy and the record; goes on when the client leaves, since a delete is there to be finished.
    private func delete(_ call: Call) async throws -> Response {
        let id = try call.fileID()
        let isLeftToSweep = try isAsynchronous(call)
        let file = try await services.registry.beginDelete(
            try requested(id).id,
            for: call.principal,
            clientID: id,
            isLeftToSweep: isLeftToSweep
        )
        if isLeftToSweep {
            services.sweeper.ring()
        } else {
            try await finishDelete(of: file, call)
        }
        return try .json(FileDeletion(id: id))
    }

    private func finishDelete(of file: ManagedFile, _ call: Call) async throws {
        do {
            try await services.fanOut.delete(file, requestID: call.context.callID)
            // A copy that nobody can delete now, such as one whose upload is under way, is left to a sweep.
            let isGone = try await services.registry.finish(file.id)
            if !isGone { services.sweeper.ring() }
        } catch let failure as FanOutFailure {
            try await services.registry.postpone(file.id)
            throw failure
        }
    }

    /// Whether the client does not want to wait for the copies: `?async=true`.
    private func isAsynchronous(_ call: Call) throws -> Bool {
        switch try QueryParameters(call.request)["async"] {
        case nil, "false"?: return false
        case "true"?: return true
        case _?: throw RuleError(.invalidRequest, "async must be true or false.", parameter: "async")
        }
    }

    private func content(_ call: Call) async throws -> Response {
        let file = try await file(call, .read)
        let readable = file.copies.filter { copy in
            file.usableCopy(at: copy.deployment, now: services.clock.now()) != nil
                && services.plugins.target(copy.deployment)?.givesBackContent(of: file.purpose) ?? false
        }
        // A HEAD is answered from the record: a provider would send all of the content for it.
        if call.request.method == .head, let copy = readable.first {
            let body = ResponseBody(contentLength: Int(file.sizeInBytes)) { _ in }
            return Response(status: .ok, headers: Self.headers(file, [:], copy), body: body)
        }
        let range: String?
        let wanted = ContentRange(call.request.headers, entityTag: Self.entityTag(file), size: file.sizeInBytes)
        switch wanted {
        case .whole: range = nil
        case .part(let bytes): range = "bytes=\(bytes.lowerBound)-\(bytes.upperBound)"
        case .unsatisfiable where readable.isEmpty: range = nil
        case .unsatisfiable: return try Self.rangeNotSatisfiable(file)
        }
        var failed: DeploymentFailure?
        for copy in readable {
            do {
                return try await content(of: file, copy: copy, range: range, call)
            } catch let failure as DeploymentFailure where failure.failure.reason != .cancelled {
                failed = failure
            }
        }
        if let failed { throw failed }
        let served = services.plugins.current
        for copy in file.copies { try served.checkWorks(copy.deployment) }
        throw Self.noContent(file)
    }

    private func content(of file: ManagedFile, copy: FileCopy, range: String?, _ call: Call) async throws -> Response {
        guard let target = services.plugins.target(copy.deployment),
            let input = FileInput(id: copy.providerID ?? "", range: range).json
        else { throw Self.noContent(file) }
        let stream = try services.plugins.stream(
            OperationRequest(.fileContent, requestID: call.context.callID, input: input),
            on: copy.deployment,
            loop: call.context.channel.eventLoop
        )
        let answer = AnswerStream(stream, deployment: target.deployment, channel: call.context.channel)
        guard case .pipe(let status, let upstream) = try await answer.firstPart() else {
            let failure = OperationFailure(.pluginFailed, "The plugin gave no content.")
            throw DeploymentFailure(deployment: target.deployment, failure: failure)
        }
        let length = upstream.first(name: "content-length").flatMap { Int($0) }
        let body = ResponseBody(contentLength: length) { writer in
            try await answer.writePiped(to: &writer)
        }
        return Response(status: .init(code: status), headers: Self.headers(file, upstream, copy), body: body)
    }

    /// The content is somebody's upload: a browser must not take it for a page of the gateway.
    private static func headers(_ file: ManagedFile, _ upstream: HTTPHeaders, _ copy: FileCopy) -> HTTPFields {
        var headers: HTTPFields = [:]
        headers[.contentType] = file.mimeType
        headers[.contentDisposition] = ContentDisposition.attachment(file.filename)
        headers[.contentTypeOptions] = "nosniff"
        headers[.contentRange] = upstream.first(name: "content-range")
        headers[.acceptRanges] = "bytes"
        headers[.eTag] = entityTag(file)
        headers[.modelID] = copy.deployment.description
        return headers
    }

    /// The content of a file never changes, so the file names it.
    ///
    /// Not by its hash, which some provider may have used for an id of its own.
    private static func entityTag(_ file: ManagedFile) -> String { "\"\(file.id.uuid.text)\"" }

    private static func rangeNotSatisfiable(_ file: ManagedFile) throws -> Response {
        let refusal = GatewayError(
            .rangeNotSatisfiable,
            code: "range_not_satisfiable",
            parameter: "Range",
            message: "The file has \(file.sizeInBytes) bytes, and the range begins behind them."
        )
        let headers: HTTPFields = [.contentRange: "bytes */\(file.sizeInBytes)", .acceptRanges: "bytes"]
        return try .json(refusal.body, status: refusal.status, headers: headers)
    }

    private static func noContent(_ file: ManagedFile) -> RuleError {
        RuleError(
            .unsupported,
            "No provider of this file gives back the content of files for purpose \(file.purpose.rawValue). "
                + "Keep your own copy, or upload it also for a model whose provider does, such as one on Vertex AI.",
            parameter: "file_id"
        )
    }

    private func file(_ call: Call, _ action: FileAction) async throws -> ManagedFile {
        let id = try call.fileID()
        return try await services.registry.file(
            try requested(id).id,
            for: call.principal,
            action: action,
            clientID: id
        )
    }

    /// Reads an id as a client wrote it; nothing is looked up for one that cannot be the gateway's.
    private func requested(_ text: String) throws(RuleError) -> RequestedFile {
        switch services.fileIDs.read(text) {
        case .managed(let id): return RequestedFile(id: id, clientID: text)
        case .raw: throw .rawFileID(at: "file_id")
        case .unknown: throw .fileNotFound(text)
        }
    }

    private func object(_ file: ManagedFile) -> FileObject {
        FileObject(file: file, id: services.fileIDs.text(for: file))
    }
}
