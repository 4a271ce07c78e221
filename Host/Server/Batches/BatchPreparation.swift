import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import NIOCore

/// A batch's input that has passed every rule, and where it goes.
struct PreparedBatch: Sendable {
    let file: ManagedFile
    let content: SpooledFile
    let input: BatchInput
    let deployment: Deployment
    /// What the client calls the model.
    let modelName: String
    /// The deployment's copies of the files that the lines name, by what the lines call them.
    let copies: [String: InputLines.NamedCopy]
}

/// Reads a batch's input back and holds every line of it against the rules; nothing is created meanwhile.
struct BatchPreparation: Sendable {
    static let parameter = "input_file_id"

    let services: GatewayServices
    let callID: String

    /// Prepares a batch.
    ///
    /// - Throws: ``RuleError`` that names the line; ``FanOutFailure`` of a provider that does not give the input back; what
    ///   the registry and the spool throw.
    func prepare(_ body: NewBatchBody, for principal: Principal) async throws -> PreparedBatch {
        let file = try await services.inputFile(
            body.inputFileID,
            for: .batch,
            by: principal,
            parameter: Self.parameter
        )
        let modelName = try modelName(body.model, of: file, for: principal)
        let deployments = try await servedDeployments(of: modelName, for: principal)
        try principal.checkMayCopy(file, clientID: body.inputFileID, to: modelName, parameter: Self.parameter)
        let (content, input) = try await read(file, wantedAt: deployments[0])
        guard input.endpoint == body.endpoint else {
            throw RuleError(
                .invalidRequest,
                "The requests of the input file are for \(input.endpoint) and the batch for \(body.endpoint): they must be the "
                    + "same.",
                parameter: "endpoint"
            )
        }
        let candidates = try await among(deployments, of: modelName, input, for: principal)
        let (references, files) = try await namedFiles(input, for: principal)
        let place = try await place(candidates, modelName, references, files, for: principal)
        return PreparedBatch(
            file: file,
            content: content,
            input: input,
            deployment: place.deployment,
            modelName: modelName,
            copies: try copies(at: place.deployment, references, place.files)
        )
    }

    // MARK: The file and the model

    /// The model that a batch is for: the one that is named, else the only one that its file was uploaded for.
    private func modelName(
        _ asked: String?,
        of file: ManagedFile,
        for principal: Principal
    ) throws(RuleError) -> String {
        if let asked { return asked }
        var names: [String] = []
        for copy in file.copies {
            guard let name = services.models.deployment(copy.deployment)?.modelName, !names.contains(name) else {
                continue
            }
            names.append(name)
        }
        guard let name = names.first else {
            throw RuleError(
                .invalidRequest,
                "No deployment that the file was uploaded for is configured any more. Say in model which one to use.",
                parameter: "model"
            )
        }
        guard names.count == 1 else {
            throw RuleError(
                .invalidRequest,
                "The file was uploaded for \(names.joined(separator: ", ")): say in model (with OpenAI's SDKs in extra_body) "
                    + "which of them the batch is for.",
                parameter: "model"
            )
        }
        return name
    }

    private func servedDeployments(of model: String, for principal: Principal) async throws -> [Deployment] {
        let found = try await services.deployments(named: model, for: principal)
        let served = found.filter { deployment in
            guard let target = services.plugins.target(deployment.id) else { return false }
            let takesInput = target.serves(.inputCreate) || target.serves(.fileCreate)
            return takesInput && target.serves(.batchCreate) && target.serves(.batchGet)
        }
        guard !served.isEmpty else {
            throw RuleError(
                .unsupported,
                "The model \(model) has no batches. Name a model that does.",
                parameter: "model"
            )
        }
        return served
    }

    // MARK: The lines

    private func read(_ file: ManagedFile, wantedAt deployment: Deployment) async throws -> (SpooledFile, BatchInput) {
        var reader = BatchInputReader()
        do {
            let content = try await services.backFill.content(
                of: file,
                wantedAt: deployment,
                requestID: callID
            ) { bytes, isFirst throws(RuleError) in
                if isFirst { reader = BatchInputReader() }
                try Self.read(bytes, by: &reader)
            }
            return (content, try reader.finish())
        } catch let error as RuleError {
            // A line that is too long is no reason to send the request itself in smaller pieces.
            throw RuleError(.invalidRequest, error.message, parameter: Self.parameter)
        }
    }

    private static func read(_ bytes: ByteBuffer, by reader: inout BatchInputReader) throws(RuleError) {
        try bytes.withUnsafeReadableBytes { bytes in
            Result { () throws(RuleError) in try reader.read(bytes) }
        }.get()
    }

    /// The batch's deployments that the model of the lines stands for as well.
    private func among(
        _ deployments: [Deployment],
        of modelName: String,
        _ input: BatchInput,
        for principal: Principal
    ) async throws -> [Deployment] {
        let named: [Deployment]
        do {
            named = try await services.deployments(named: input.model, for: principal)
        } catch let error as RuleError {
            throw error.inLine(input.firstLine).about(Self.parameter)
        }
        let both = deployments.filter(named.contains)
        guard both.isEmpty else { return both }
        throw RuleError(
            .invalidRequest,
            "Its model is \(input.model), and the batch is for \(modelName): say in model which of them is meant.",
            parameter: Self.parameter
        ).inLine(input.firstLine)
    }

    /// The files that the lines name: each has to be readable by whoever asks.
    private func namedFiles(
        _ input: BatchInput,
        for principal: Principal
    ) async throws -> ([FileReference], [FileID: ManagedFile]) {
        var references: [FileReference] = []
        references.reserveCapacity(input.files.count)
        var requested: [RequestedFile] = []
        for file in input.files {
            switch services.fileIDs.read(file.text) {
            case .managed(let id):
                references.append(FileReference(range: 0..<0, id: id, clientID: file.text, path: file.path))
                // The message says where it stands.
                requested.append(RequestedFile(id: id, clientID: "\(file.text) (line \(file.line), \(file.path))"))
            case .raw where principal.allowsRawFileIDs: continue
            case .raw: throw RuleError.rawFileID(at: file.path).inLine(file.line).about(Self.parameter)
            case .unknown: throw RuleError.fileNotFound(file.text).inLine(file.line).about(Self.parameter)
            }
        }
        do {
            return (references, try await services.registry.files(requested, for: principal))
        } catch let error as RuleError {
            throw error.about(Self.parameter)
        }
    }
}
