import GantryPlugin

/// Files.
extension OpenAITarget {
    func createFile(_ operation: Operation) async throws(Failure) -> OperationResult {
        let upload = try FileUpload(try operation.inputJSON(), purposes: provider.quirks.filePurposes)
        let form = upload.form(boundary: try boundary())
        let answer = try Responses.object(try await answer(to: requests.upload(form), operation))
        let id = try Responses.id(of: answer)
        try operation.remember(id: id)
        return .json(Responses.file(answer, id: id, bytes: upload.bytes))
    }

    func getFile(_ operation: Operation) async throws(Failure) -> OperationResult {
        let path = try Requests.path("/files", try operation.inputJSON())
        let answer = try Responses.object(try await answer(to: requests.get(path), operation))
        return .json(Responses.file(answer, id: try Responses.id(of: answer), bytes: nil))
    }

    func deleteFile(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        try await delete("file", "/files", input, operation)
        let id = try Requests.id(of: input)
        try operation.forget(id: id)
        return .json(["id": .string(id), "deleted": true])
    }

    func listFiles(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let search = try FileSearch(input, purposes: provider.quirks.filePurposes)
        let path =
            search == nil
            ? Requests.page("/files", limit: input["limit"]?.integer, after: input["after"])
            : Requests.searchPath(input)
        let answer = try Responses.object(try await answer(to: requests.get(path), operation))
        guard let search else { return .json(try Responses.list(answer)) }
        return .json(try search.page(answer))
    }

    func fileContent(_ operation: Operation) async throws(Failure) -> OperationResult {
        let input = try operation.inputJSON()
        let path = try Requests.path("/files", input) + "/content"
        let response = try await send(requests.download(path, range: input["range"]?.string), operation)
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
