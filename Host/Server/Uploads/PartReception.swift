import HTTPTypes
import HostCore
import HostRegistry
import HostTransfer
import Hummingbird
import Logging

/// Takes one part of an upload from the client's socket to the disk and into the registry.
struct PartReception: Sendable {
    let services: GatewayServices

    /// The form around the content is small.
    private static let longestBody = UploadSession.maximumPartBytes + (1 << 20)

    /// Receives a part; when this returns, it survives the end of the process and a loss of power.
    func receive(_ call: Call, for requested: RequestedObject) async throws -> UploadPart {
        let upload = try await services.registry.upload(requested, for: call.principal)
        try upload.checkOpen(at: services.clock.now())
        let length = call.request.declaredLength
        if let length, length > Self.longestBody {
            throw RuleError(
                .tooLarge,
                "A part has at most \(UploadSession.maximumPartBytes) bytes. Send smaller ones.",
                parameter: PartForm.field
            )
        }
        let incoming = try await services.parts.incoming(
            maximumBytes: UploadSession.maximumPartBytes,
            expectedBytes: length
        )
        let content = try await PartForm.receive(
            call.request.body,
            contentType: call.request.headers[.contentType],
            into: incoming.writer
        )
        let part = UploadPart(
            id: ObjectID(.part, uuid: .random()),
            sizeInBytes: content.sizeInBytes,
            sha256: content.sha256,
            host: services.registry.hostName ?? "",
            createdAt: services.clock.now()
        )
        // A task of its own, which is waited for: the caller's is cancelled when its client leaves, and what has its name
        // by then has to be noted or removed.
        try await Task {
            try await services.parts.keep(incoming, content, as: part.id, of: upload.id)
            defer { services.parts.settle(part.id) }
            await merge(part, with: try await note(part, of: requested, call), of: upload.id)
        }.value
        return part
    }

    /// Writes the part down, or removes it.
    ///
    /// - Returns: The earlier parts of the same content.
    private func note(_ part: UploadPart, of requested: RequestedObject, _ call: Call) async throws -> [UploadPart] {
        do {
            do {
                return try await services.registry.note(part, of: requested, for: call.principal)
            } catch let error as RegistryError where error.code == .storeUnavailable {
                // It may have been done although nobody said so; a repeat then finds it done.
                return try await services.registry.note(part, of: requested, for: call.principal)
            }
        } catch {
            // One that may have been noted is kept: it goes with its upload.
            if (error as? RegistryError)?.code != .storeUnavailable { await remove(part, of: requested.id) }
            throw error
        }
    }

    private func remove(_ part: UploadPart, of upload: ObjectID) async {
        do {
            try await services.parts.remove(part.id, of: upload)
        } catch {
            log("a refused part could not be removed and goes with its upload", error, upload)
        }
    }

    /// A client that never got the answer sends the same once more: the disk keeps it once.
    private func merge(_ part: UploadPart, with earlier: [UploadPart], of upload: ObjectID) async {
        do {
            try await services.parts.merge(part.id, with: earlier, of: upload)
        } catch {
            log("a part that came twice is kept twice", error, upload)
        }
    }

    private func log(_ message: Logger.Message, _ error: any Error, _ upload: ObjectID) {
        services.logger.warning(
            message,
            metadata: ["upload.uuid": "\(upload.uuid.text)", "error": "\(error)"]
        )
    }
}
