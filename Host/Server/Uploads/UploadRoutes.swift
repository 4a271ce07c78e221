import HTTPTypes
import HostCore
import HostRegistry
import HostTransfer
import Hummingbird

/// Uploads in parts: create, add a part, complete, cancel.
struct UploadRoutes: Sendable {
    let services: GatewayServices

    func add(to table: inout RouteTable) {
        // The router does not come back from /openai, which other routes have, to try :provider.
        let roots = ["/v1/uploads", "/uploads", "/:provider/v1/uploads", "/openai/v1/uploads"]
        let paths = { (suffix: String) in roots.map { $0 + suffix } }
        table.add(.post, paths("")) { try await create($0) }
        table.add(.post, paths("/:upload_id/parts")) { try await addPart($0) }
        table.add(.post, paths("/:upload_id/complete")) { try await complete($0) }
        table.add(.post, paths("/:upload_id/cancel")) { try await cancel($0) }
    }

    /// Begins an upload; what can be checked of it is checked now, and no provider is asked.
    private func create(_ call: Call) async throws -> Response {
        let body = try await call.decoded(NewUploadBody.self)
        let terms = try body.terms(maximumBytes: services.limits.uploadBytes)
        let targets = try await services.targets(named: terms.targetNames, for: call.principal)
        try UploadService(services: services).checkServed(targets)
        let upload = try await services.registry.beginUpload(NewUpload(for: call.principal, terms))
        return try answer(upload)
    }

    private func addPart(_ call: Call) async throws -> Response {
        let requested = try requested(call)
        let part = try await cancellingOnDisconnect(of: call.context.channel) {
            try await PartReception(services: services).receive(call, for: requested)
        }
        return try .json(
            UploadPartObject(
                id: services.objectIDs.text(for: part.id, at: nil),
                createdAt: part.createdAt.secondsSince1970,
                uploadID: requested.clientID
            )
        )
    }

    private func complete(_ call: Call) async throws -> Response {
        let requested = try requested(call)
        let file = try await UploadCompletion(services: services).complete(call, requested)
        let upload = try await services.registry.upload(requested, for: call.principal)
        return try answer(upload, file: FileObject(file: file, id: services.fileIDs.text(for: file)))
    }

    private func cancel(_ call: Call) async throws -> Response {
        let upload = try await services.registry.cancelUpload(try requested(call), for: call.principal)
        await services.removeParts(of: upload)
        return try answer(upload)
    }

    private func requested(_ call: Call) throws -> RequestedObject {
        try services.objectIDs.requested(.upload, try call.parameter("upload_id"))
    }

    private func answer(_ upload: UploadSession, file: FileObject? = nil) throws -> Response {
        let object = UploadObject(
            upload: upload,
            id: services.objectIDs.text(for: upload.id, at: nil),
            status: upload.status(at: services.clock.now()),
            file: file
        )
        return .json(try object.json())
    }
}
