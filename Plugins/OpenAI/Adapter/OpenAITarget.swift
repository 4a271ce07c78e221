import GantryPlugin

/// One deployment at OpenAI.
public struct OpenAITarget: AdapterTarget {
    private let requests: Requests
    private let host: Host

    init(settings: Settings, host: Host) {
        requests = Requests(settings: settings)
        self.host = host
    }

    /// Gives the client the answers to its own requests as they come.
    public func relay(_ operation: Operation) throws(Failure) -> Relay? {
        switch operation.kind {
        case .chat: try relay(operation, to: requests.chat)
        case .embed: try relay(operation, to: requests.embeddings)
        default: nil
        }
    }

    /// Runs one operation.
    public func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
        switch operation.kind {
        case .probe: try await probe(operation)
        case .fileCreate: try await createFile(operation)
        case .fileGet: try await getFile(operation)
        case .fileDelete: try await deleteFile(operation)
        case .fileList: try await listFiles(operation)
        case .fileContent: try await fileContent(operation)
        default:
            throw Failure(.unsupported, "The openai plugin does not serve this operation.")
        }
    }

    private func probe(_ operation: Operation) async throws(Failure) -> OperationResult {
        let response = try await operation.send(requests.get("/models"))
        let body = try await response.body()
        guard response.isSuccess else { throw Failures.failure(response, body) }
        return .done
    }

    /// Sends the client's request with the resolved places replaced.
    private func relay(_ operation: Operation, to request: HTTPRequest) throws(Failure) -> Relay {
        var request = request
        request.body = try Requests.splice(operation.references, into: try operation.withInput { $0.count })
        return Relay(request) { (response) async throws(Failure) in
            Failures.failure(response, try await response.body())
        }
    }

    private func createFile(_ operation: Operation) async throws(Failure) -> OperationResult {
        let upload = try FileUpload(try operation.inputJSON())
        let form = upload.form(boundary: try boundary())
        let response = try await operation.send(requests.upload(form))
        let body = try await response.body()
        guard response.isSuccess else { throw Failures.failure(response, body) }
        let answer = try Responses.object(body)
        let id = try Responses.id(of: answer)
        try operation.remember(id: id)
        return .json(Responses.file(answer, id: id, bytes: upload.bytes))
    }

    private func getFile(_ operation: Operation) async throws(Failure) -> OperationResult {
        let path = try Requests.filePath(try operation.inputJSON())
        let response = try await operation.send(requests.get(path))
        let body = try await response.body()
        guard response.isSuccess else { throw Failures.failure(response, body) }
        let answer = try Responses.object(body)
        return .json(Responses.file(answer, id: try Responses.id(of: answer), bytes: nil))
    }

    private func deleteFile(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let path = try Requests.filePath(input)
        let response = try await operation.send(requests.delete(path))
        let body = try await response.body()
        guard response.isSuccess || response.status == 404 else { throw Failures.failure(response, body) }
        if response.isSuccess, try Responses.object(body)["deleted"]?.bool == false {
            throw Failure(.conflict, "The provider has not deleted the file; try again later.", isRetryable: true)
        }
        let id = try Requests.id(of: input)
        try operation.forget(id: id)
        return .json(["id": .string(id), "deleted": true])
    }

    private func listFiles(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let search = try FileSearch(input)
        let path = search == nil ? Requests.listPath(input) : Requests.searchPath(input)
        let response = try await operation.send(requests.get(path))
        let body = try await response.body()
        guard response.isSuccess else { throw Failures.failure(response, body) }
        let answer = try Responses.object(body)
        guard let search else { return .json(try Responses.list(answer)) }
        return .json(try search.page(answer))
    }

    private func fileContent(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let path = try Requests.filePath(input) + "/content"
        let response = try await operation.send(requests.download(path, range: input["range"]?.string))
        guard response.isSuccess else { throw Failures.contentFailure(response, try await response.body()) }
        try await response.pipe()
        return .done
    }

    /// A multipart boundary that no file can contain on purpose.
    private func boundary() throws(Failure) -> String {
        let digits = Array("0123456789abcdef")
        return try host.random(count: 16).reduce(into: "gantry-") { text, byte in
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 0x0F)])
        }
    }
}
