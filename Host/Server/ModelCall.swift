import HostCore
import HostPlugins
import HostRegistry
import HostTransfer
import NIOCore

/// A chat, embeddings or responses request that has passed the rules: who may ask, which files it names, where it can go.
struct ModelCall: Sendable {
    /// What does not change from attempt to attempt, by reference: a call is copied more often than it is made.
    private final class Request: Sendable {
        /// What was served when the request came, on which it is served to its end.
        let served: PluginSnapshot
        let body: ByteBuffer
        let scan: RequestScan
        let principal: Principal
        let references: [FileReference]
        let previousResponse: ResponseReference?

        init(
            served: PluginSnapshot,
            body: ByteBuffer,
            scan: RequestScan,
            principal: Principal,
            references: [FileReference],
            previousResponse: ResponseReference?
        ) {
            self.served = served
            self.body = body
            self.scan = scan
            self.principal = principal
            self.references = references
            self.previousResponse = previousResponse
        }
    }

    private let request: Request
    /// What the client called the model, or the one that is tried instead.
    private(set) var modelName: String
    /// A request that names more files is not asked about each of them.
    private static let mostFilesAskedAbout = 16

    private var deployments: [Deployment] = []
    /// Whether the candidates that were chosen last rest after failures.
    private(set) var isLastResort = false
    private var files: [FileID: ManagedFile] = [:]
    private var previousResponse: ManagedObject?

    /// Reads a request; whether it may be served is for ``resolveFromMemory(_:)`` or ``resolve(_:)`` to say.
    ///
    /// - Parameters:
    ///   - body: The client's JSON.
    ///   - modelInPath: The model of an Azure-style path, which goes before the body's.
    ///   - principal: Who asks.
    ///   - services: What is asked.
    /// - Throws: ``RuleError``.
    init(
        body: ByteBuffer,
        modelInPath: String?,
        for principal: Principal,
        _ services: GatewayServices
    ) throws(RuleError) {
        let (body, scan) = try Self.scan(body, modelInPath: modelInPath)
        guard let modelName = modelInPath ?? scan.model else {
            throw RuleError(.invalidRequest, "model is missing: name one of GET /v1/models.", parameter: "model")
        }
        self.modelName = modelName
        let references = try FileReference.read(scan.ids, codec: services.fileIDs, for: principal)
        let previousResponse =
            try scan.others.isEmpty ? nil : scan.others.previousResponse(codec: services.objectIDs, for: principal)
        request = Request(
            served: services.plugins.current,
            body: body,
            scan: scan,
            principal: principal,
            references: references,
            previousResponse: previousResponse
        )
    }

    /// Whether the client wants the answer as it is made.
    var isStreaming: Bool { request.scan.stream ?? false }

    /// The models, deployments and rules that it goes by.
    var served: PluginSnapshot { request.served }

    private var principal: Principal { request.principal }

    private var references: [FileReference] { request.references }

    /// Whether the request names files.
    var namesFiles: Bool { !references.isEmpty }

    /// Finds the files and the deployments, if every file is in memory; never waits.
    ///
    /// - Returns: Whether it was so; if not, the registry has to be asked.
    /// - Throws: ``RuleError``.
    mutating func resolveFromMemory(_ services: GatewayServices) throws(RuleError) -> Bool {
        guard request.previousResponse == nil,
            let files = try namesFiles ? services.registry.cachedFiles(requested, for: principal) : [:]
        else {
            return false
        }
        return try admit(files, services)
    }

    /// Finds the files and the deployments.
    ///
    /// - Throws: ``RuleError`` or ``RegistryError``.
    mutating func resolve(_ services: GatewayServices) async throws {
        if let previous = request.previousResponse {
            let named = RequestedObject(id: previous.id, clientID: previous.clientID)
            do {
                previousResponse = try await services.registry.object(named, for: principal, action: .read)
            } catch let error as RuleError {
                throw error.about("previous_response_id")
            }
        }
        let files = try await namesFiles ? services.registry.files(requested, for: principal) : [:]
        guard try !admit(files, services) else { return }
        let tuned = try await services.deployments(named: modelName, for: principal)
        deployments = try whereItWasMade(tuned, modelName)
    }

    private var requested: [RequestedFile] { references.map { RequestedFile(id: $0.id, clientID: $0.clientID) } }

    /// Ownership comes first: whose a file is does not depend on the model that it is wanted for.
    ///
    /// - Returns: Whether the deployments are known; if not, it may be a tuned model that is not in memory.
    private mutating func admit(
        _ files: [FileID: ManagedFile],
        _ services: GatewayServices
    ) throws(RuleError) -> Bool {
        self.files = files
        do throws(RuleError) {
            deployments = try deployments(named: modelName)
            return true
        } catch {
            guard error.mayBeForTunedModel else { throw error }
            guard let known = services.registry.cachedTunedModels(named: modelName) else { return false }
            let tuned = served.models.deployments(of: known, for: principal)
            guard !tuned.isEmpty else { throw error }
            deployments = try whereItWasMade(tuned, modelName)
            return true
        }
    }

    /// Asks another model for the same request.
    ///
    /// - Throws: ``RuleError`` if the principal may not use it.
    mutating func turn(to model: String) throws(RuleError) {
        guard model != modelName else { return }
        deployments = try deployments(named: model)
        modelName = model
    }

    /// A response can be followed only where it is.
    private func deployments(named model: String) throws(RuleError) -> [Deployment] {
        try whereItWasMade(try served.models.deployments(named: model, for: principal), model)
    }

    private func whereItWasMade(_ all: [Deployment], _ model: String) throws(RuleError) -> [Deployment] {
        guard let previousResponse else { return all }
        let there = all.filter { $0.id == previousResponse.deployment }
        guard there.isEmpty else { return there }
        throw RuleError(
            .invalidRequest,
            "The response \(request.previousResponse?.clientID ?? "") was made by \(previousResponse.origin.modelName), "
                + "and the model \(model) is not there. Name that model, or send the conversation without "
                + "previous_response_id.",
            parameter: "previous_response_id"
        )
    }

    /// Whose a response is that the request makes.
    var responseMaker: MadeResponse.Maker {
        MadeResponse.Maker(owner: principal.owner, teamID: principal.teamID, modelName: modelName)
    }

    /// The deployments that can serve the request at once, in the order in which they should be tried.
    ///
    /// - Returns: None if no deployment holds every file, and ``filledCandidates(_:callID:)`` may help.
    /// - Throws: ``RuleError`` if that cannot help either.
    mutating func readyCandidates(_ services: GatewayServices) throws(RuleError) -> [Deployment] {
        // What could serve it has failed, whatever files it names: the attempt says so.
        if deployments.allSatisfy({ served.failure(of: $0.id) != nil }) {
            isLastResort = true
            return Array(deployments.prefix(1))
        }
        let choice = try choice(services)
        isLastResort = choice.isLastResort
        if choice.candidates.isEmpty { try checkMayCopy(choice.fills) }
        return choice.candidates
    }

    /// The deployments that can serve the request after what is missing was copied to one.
    ///
    /// - Throws: ``RuleError`` if that cannot be; ``FanOutFailure`` of the provider that failed; what the registry throws.
    mutating func filledCandidates(_ services: GatewayServices, callID: String) async throws -> [Deployment] {
        let choice = try choice(services)
        isLastResort = choice.isLastResort
        guard choice.candidates.isEmpty else { return choice.candidates }
        try checkMayCopy(choice.fills)
        var failed: (any Error)?
        for fill in choice.fills {
            do {
                for reference in fill.missing {
                    guard let file = files[reference.id] else { continue }
                    files[reference.id] = try await services.backFill.fill(
                        file,
                        at: fill.deployment,
                        requestID: callID
                    )
                }
                return [fill.deployment]
            } catch let failure as FanOutFailure {
                let isLost = failure.failure.reason == .notFound
                failed = isLost ? lost(fill.missing[0]) : failure
            }
        }
        throw failed ?? RuleError.noDeployment
    }

    private func checkMayCopy(_ fills: [DeploymentChoice.Fill]) throws(RuleError) {
        for reference in fills.flatMap(\.missing) {
            guard let file = files[reference.id] else { continue }
            try principal.checkMayCopy(
                file,
                clientID: reference.clientID,
                to: modelName,
                parameter: reference.path
            )
        }
    }

    private func lost(_ reference: FileReference) -> RuleError {
        RuleError(
            .fileLost,
            "The provider of \(modelName) no longer has the file \(reference.clientID), and no other copy can be read. "
                + "Upload it again.",
            parameter: reference.path
        )
    }

    private func choice(_ services: GatewayServices) throws(RuleError) -> DeploymentChoice {
        var generator = SystemRandomNumberGenerator()
        return try DeploymentChoice(
            among: deployments,
            holding: references,
            files: files,
            modelName: modelName,
            now: services.clock.now(),
            means: served.copyMeans,
            using: &generator
        )
    }

    /// Forgets the copies that a provider no longer has, after it refused a request that uses them.
    ///
    /// They are forgotten only if there are others to go by: a deployment that was configured with another account has
    /// none of its files, and gets them back with its account.
    ///
    /// - Returns: Whether there were any: then it helps to choose again.
    /// - Throws: ``RuleError`` with `.fileLost` if the request cannot be served without one of them.
    mutating func forgetLostCopies(
        after failure: DeploymentFailure,
        _ services: GatewayServices
    ) async throws -> Bool {
        guard failure.failure.mayBeForLackOfFile else { return false }
        let deployment = failure.deployment
        var lost: [(reference: FileReference, copy: FileCopy)] = []
        var asked: Set<FileID> = []
        for reference in references where asked.count < Self.mostFilesAskedAbout && asked.insert(reference.id).inserted
        {
            guard let file = files[reference.id],
                let copy = file.usableCopy(at: deployment.id, now: services.clock.now()), await isLost(copy, services)
            else { continue }
            lost.append((reference, copy))
            files[reference.id] = file.without(copy)
        }
        guard let first = lost.first?.reference else { return false }
        do {
            _ = try choice(services)
        } catch {
            throw self.lost(first)
        }
        for (reference, copy) in lost { try await services.registry.lose(copy, of: reference.id) }
        return true
    }

    /// Whether the provider says that it does not have a copy; one that says nothing is believed to have it.
    private func isLost(_ copy: FileCopy, _ services: GatewayServices) async -> Bool {
        guard served.target(copy.deployment)?.serves(.fileGet) ?? false,
            let input = FileInput(id: copy.providerID ?? "").json
        else { return false }
        do {
            let request = OperationRequest(.fileGet, requestID: "lost-copy", input: input)
            _ = try await services.plugins.run(request, on: copy.deployment)
            return false
        } catch {
            return error.reason == .notFound
        }
    }

    /// The operation for one of the candidates.
    func operation(
        _ kind: OperationKind,
        on deployment: Deployment,
        callID: String,
        now: UnixTime
    ) -> OperationRequest {
        var places: [OperationReference] = []
        places.reserveCapacity(references.count + 1)
        if let range = request.scan.modelRange {
            let model = OperationReference(
                kind: .model,
                range: range,
                clientID: request.scan.model ?? "",
                upstreamID: deployment.upstreamModel
            )
            places.append(model)
        }
        for reference in references {
            guard let file = files[reference.id], let copy = file.usableCopy(at: deployment.id, now: now),
                let upstreamID = copy.providerID
            else { continue }
            let place = OperationReference(
                kind: .file,
                range: reference.range,
                clientID: reference.clientID,
                upstreamID: upstreamID,
                mimeType: file.mimeType,
                filename: file.filename
            )
            places.append(place)
        }
        if let reference = request.previousResponse, let providerID = previousResponse?.providerID {
            places.append(
                OperationReference(
                    kind: .response,
                    range: reference.range,
                    clientID: reference.clientID,
                    upstreamID: providerID
                )
            )
            places.sort { $0.range.lowerBound < $1.range.lowerBound }
        }
        // The files were found in order; mostly the model stands before them.
        if places.count > 1, places[1].range.lowerBound < places[0].range.lowerBound {
            places.sort { $0.range.lowerBound < $1.range.lowerBound }
        }
        return OperationRequest(
            kind,
            requestID: callID,
            input: request.body,
            references: places,
            isStreaming: isStreaming
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
}

extension RuleError {
    /// Nothing is left to try, and nothing has failed.
    static let noDeployment = RuleError(.modelNotFound, "The model has no deployment.", parameter: "model")
}
