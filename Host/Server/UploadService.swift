import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import Hummingbird

/// Takes an upload from the client's socket to every target.
struct UploadService: Sendable {
    let services: GatewayServices

    /// Receives the form, makes a copy at every target, and commits the record.
    ///
    /// Targets are checked before a byte is stored where they precede the file, and before a provider is asked in any
    /// case. If a target fails the others are undone, and nothing is left.
    func create(_ call: Call) async throws -> ManagedFile {
        let upload = try await receive(call)
        let targets = try services.models.targets(named: upload.request.targetNames, for: call.principal)
        try checkServed(targets)
        let content = FileContent(sizeInBytes: upload.file.sizeInBytes, sha256: upload.file.sha256)
        let begun = try await services.registry.beginFile(
            NewFile(
                for: call.principal,
                purpose: upload.request.purpose,
                filename: upload.request.filename,
                mimeType: upload.request.mimeType,
                content: content,
                expiresAt: upload.request.expiresAfterSeconds.map { services.clock.now().advanced(bySeconds: $0) },
                targetNames: upload.request.targetNames
            ),
            targets: targets.map(\.id)
        )
        do {
            try await services.fanOut.create(
                begun,
                from: upload.file,
                at: targets,
                expiresIn: upload.request.expiresAfterSeconds,
                requestID: call.context.callID
            )
        } catch {
            // Undone as far as the providers let it be; the record stays only while a copy does.
            _ = try await services.registry.abandonFile(begun.id)
            throw error
        }
        return try await services.registry.commitFile(begun.id)
    }

    private func receive(_ call: Call) async throws -> ReceivedUpload {
        let length = call.request.declaredLength
        // The form around the file is small, so a body this long has a file that is too long.
        if let length, length > services.limits.fileBytes + (1 << 20) {
            throw RuleError(
                .tooLarge,
                "The file is larger than the \(services.limits.fileBytes) bytes that this gateway takes.",
                parameter: "file"
            )
        }
        let writer = try await services.spool.writer(
            maximumBytes: services.limits.fileBytes,
            expectedBytes: length
        )
        return try await UploadForm.receive(
            call.request.body,
            contentType: call.request.headers[.contentType],
            into: writer
        ) { fields in
            guard !fields.targetNames.isEmpty else { return }
            try checkServed(try services.models.targets(named: fields.targetNames, for: call.principal))
        }
    }

    private func checkServed(_ targets: [Deployment]) throws(RuleError) {
        for target in targets where services.plugins.target(target.id)?.serves(.fileCreate) != true {
            throw RuleError(
                .unsupported,
                "\(target.modelName) (plugin \(target.plugin)) takes no files.",
                parameter: "target_model_names"
            )
        }
    }
}
