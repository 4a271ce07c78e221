import HostCore
import HostPlugins
import HostRegistry
import NIOCore

/// A chat or embeddings request that has passed the rules: who may ask, which files it names, where it can go.
struct ModelCall: Sendable {
    let body: ByteBuffer
    let scan: RequestScan
    /// In the order in which they should be tried.
    let candidates: [Deployment]
    private let references: [FileReference]
    private let files: [FileID: ManagedFile]

    /// Applies the rules.
    ///
    /// - Parameters:
    ///   - body: The client's JSON.
    ///   - modelInPath: The model of an Azure-style path, which goes before the body's.
    ///   - principal: Who asks.
    ///   - services: What is asked.
    /// - Throws: ``RuleError`` or ``RegistryError``.
    init(
        body: ByteBuffer,
        modelInPath: String?,
        for principal: Principal,
        _ services: GatewayServices
    ) async throws {
        let (body, scan) = try Self.scan(body, modelInPath: modelInPath)
        guard let modelName = modelInPath ?? scan.model else {
            throw RuleError(.invalidRequest, "model is missing: name one of GET /v1/models.", parameter: "model")
        }
        let deployments = try services.models.deployments(named: modelName, for: principal)
        references = try FileReference.read(scan.ids, codec: services.fileIDs, for: principal)
        files = try await Self.files(references, for: principal, services.registry)
        var generator = SystemRandomNumberGenerator()
        candidates = try DeploymentChoice(
            among: deployments,
            holding: references,
            files: files,
            modelName: modelName,
            now: services.clock.now(),
            using: &generator
        ).candidates
        self.body = body
        self.scan = scan
    }

    /// The operation for one of the candidates.
    func operation(
        _ kind: OperationKind,
        on deployment: Deployment,
        callID: String,
        now: UnixTime
    ) -> OperationRequest {
        var places: [OperationReference] = references.compactMap { reference in
            guard let file = files[reference.id], let copy = file.usableCopy(at: deployment.id, now: now),
                let upstreamID = copy.providerID
            else { return nil }
            return OperationReference(
                kind: .file,
                range: reference.range,
                clientID: reference.clientID,
                upstreamID: upstreamID,
                mimeType: file.mimeType,
                filename: file.filename
            )
        }
        if let range = scan.modelRange {
            let model = OperationReference(
                kind: .model,
                range: range,
                clientID: scan.model ?? "",
                upstreamID: deployment.upstreamModel
            )
            places.append(model)
        }
        return OperationRequest(
            kind,
            requestID: callID,
            input: body,
            references: places.sorted { $0.range.lowerBound < $1.range.lowerBound },
            isStreaming: scan.stream ?? false
        )
    }

    /// Scans the body; one without a model gets the path's, so that the adapter finds a place to put its own.
    private static func scan(_ body: ByteBuffer, modelInPath: String?) throws(RuleError) -> (ByteBuffer, RequestScan) {
        let scan = try scan(body)
        guard scan.modelRange == nil, modelInPath != nil else { return (body, scan) }
        var completed = ByteBuffer()
        let start = body.readerIndex + scan.objectStart + 1
        let rest = body.viewBytes(at: start, length: body.writerIndex - start) ?? ByteBufferView()
        let isEmpty = rest.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) } == UInt8(ascii: "}")
        completed.writeString(isEmpty ? #"{"model":"-""# : #"{"model":"-","#)
        completed.writeBytes(rest)
        return (completed, try self.scan(completed))
    }

    private static func scan(_ body: ByteBuffer) throws(RuleError) -> RequestScan {
        let outcome = body.withUnsafeReadableBytes { bytes in
            Result { () throws(RuleError) in try RequestScanner.scan(bytes) }
        }
        return try outcome.get()
    }

    private static func files(
        _ references: [FileReference],
        for principal: Principal,
        _ registry: Registry
    ) async throws -> [FileID: ManagedFile] {
        guard !references.isEmpty else { return [:] }
        let requested = references.map { RequestedFile(id: $0.id, clientID: $0.clientID) }
        return try await registry.files(requested, for: principal)
    }
}
