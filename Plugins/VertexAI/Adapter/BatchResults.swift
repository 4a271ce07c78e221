import GantryPlugin

/// Makes OpenAI's output and error file of what a batch has written, and deletes that afterwards.
///
/// It can be asked again at any time, also after a crash. Before the predictions are deleted a marker is written into
/// the batch's folder that says what was made of them: without it they are all there, and the files are made anew; with
/// it the files are whole, or have been taken back and are made anew if all predictions are still there.
struct BatchResults {
    /// More files than a job writes.
    private static let objectLimit = 20_000

    let jobs: ProviderJobs
    let storage: CloudStorage
    let host: Host
    private let folder: BatchFolder
    private let id: String

    /// Reads the operation's input.
    init(_ input: JSON, jobs: ProviderJobs, storage: CloudStorage, host: Host) throws(Failure) {
        try BatchEndpoint.check(input)
        self.jobs = jobs
        self.storage = storage
        self.host = host
        folder = try BatchFolder(name: input["name"]?.string ?? "", settings: storage.settings)
        id = input["id"]?.string ?? ""
    }

    /// - Returns: `{"output_file": {"id", "bytes"}, "error_file": {"id", "bytes"}}`, without those that are not.
    nonisolated(nonsending) func make() async throws(Failure) -> JSON {
        let directory = try await directory()
        let objects = try await storage.objects(prefix: folder.path + "/", limit: Self.objectLimit)
        let own = [folder.output.name, folder.errors.name, folder.marker.name]
        let written = objects.filter { !own.contains($0.name) }
        let predictions = Self.predictions(in: written, of: directory)
        let marker = try await marker(in: objects)
        let known = known(objects)
        let files: JSON
        if let marker, marker["files"] == Self.sizes(known) {
            files = try remembered(known)
        } else if predictions.isEmpty, marker == nil {
            files = try remembered(known)
        } else if marker == nil || marker?["predictions"]?.integer == Int64(predictions.count) {
            files = try await write(predictions)
        } else {
            throw Failure(
                .upstreamProtocol,
                "The files of the batch's results were deleted before they were handed on, and cannot be made again."
            )
        }
        await deleteRest(written, hasMarker: marker != nil)
        return files
    }

    /// What an attempt has noted before it began to delete: the files' sizes, and how many predictions there were.
    private nonisolated(nonsending) func marker(
        in objects: [CloudStorage.ListedObject]
    ) async throws(Failure) -> JSON? {
        guard let listed = objects.first(where: { $0.name == folder.marker.name }), listed.size > 0 else { return nil }
        let range = 0..<min(listed.size, 1 << 16)
        let bytes = try await storage.bytes(of: folder.marker, range, generation: listed.generation)
        return Wire.document(bytes) ?? [:]
    }

    private static func sizes(_ files: JSON) -> JSON {
        var sizes = JSONObject()
        for (name, file) in files.object?.members ?? [] { sizes[name] = file["bytes"] }
        return .object(sizes)
    }

    /// The folder that the job names as its own; nil where it names none or is not known any more.
    private nonisolated(nonsending) func directory() async throws(Failure) -> String? {
        let job: JSON
        do throws(Failure) {
            job = try await jobs.get(id)
        } catch {
            guard error.reason == .notFound else { throw error }
            return nil
        }
        guard !JobState(job).isActive else {
            throw Failure(.conflict, "The batch is not over; its results cannot be had yet.")
        }
        guard let uri = job["outputInfo"]?["gcsOutputDirectory"]?.string, !uri.isEmpty else { return nil }
        let root = "gs://\(storage.settings.bucket)/"
        guard uri.hasPrefix("\(root)\(folder.path)/") else {
            throw Failure(.upstreamProtocol, "\(Wire.providerName) wrote the results into another folder than asked.")
        }
        return String(uri.dropFirst(root.count)) + (uri.hasSuffix("/") ? "" : "/")
    }

    /// The files with the predictions, in the order of their names.
    ///
    /// What a job writes while it runs may lie beside them under another name and holds the same.
    private static func predictions(
        in objects: [CloudStorage.ListedObject],
        of directory: String?
    ) -> [CloudStorage.ListedObject] {
        let candidates = objects.filter { !$0.name.hasSuffix("/") && $0.name.hasPrefix(directory ?? "") }
        func named(_ start: String) -> [CloudStorage.ListedObject] {
            candidates.filter { $0.name.split(separator: "/").last?.hasPrefix(start) == true }
                .sorted { $0.name < $1.name }
        }
        for start in ["prediction", "incremental_prediction"] {
            let found = named(start)
            if !found.isEmpty { return found }
        }
        return named("").filter { $0.name.hasSuffix(".jsonl") }
    }

    /// The files that are there.
    private func known(_ objects: [CloudStorage.ListedObject]) -> JSON {
        var files = JSONObject()
        for (member, object) in [("output_file", folder.output), ("error_file", folder.errors)] {
            guard let listed = objects.first(where: { $0.name == object.name }) else { continue }
            files[member] = ["id": .string(object.id), "bytes": .integer(listed.size)]
        }
        return .object(files)
    }

    private func remembered(_ files: JSON) throws(Failure) -> JSON {
        for (_, file) in files.object?.members ?? [] { try storage.operation.remember(id: file["id"]?.string ?? "") }
        return files
    }

    private nonisolated(nonsending) func write(_ predictions: [CloudStorage.ListedObject]) async throws(Failure) -> JSON
    {
        let output = writer(folder.output)
        let errors = writer(folder.errors)
        do throws(Failure) {
            for prediction in predictions {
                var lines = try ObjectLines(prediction, storage: storage)
                var number = 0
                while let line = try await lines.next() {
                    number += 1
                    let result = try translated(line, place: "\(prediction.name)#\(number)")
                    try await (result.isError ? errors : output).append(result.bytes)
                }
            }
            var files = JSONObject()
            files["output_file"] = try await output.finish()
            files["error_file"] = try await errors.finish()
            let note: JSON = [
                "files": Self.sizes(.object(files)), "predictions": .integer(Int64(predictions.count)),
            ]
            try await storage.put(note.serialized(), as: folder.marker)
            return .object(files)
        } catch {
            if error.reason != .cancelled {
                await output.abandon()
                await errors.abandon()
            }
            throw error
        }
    }

    private func writer(_ object: StoredObject) -> ObjectWriter {
        ObjectWriter(object, storage: storage, type: "application/jsonl", purpose: "batch_output", replaces: true)
    }

    private func translated(_ line: ObjectLines.Line, place: String) throws(Failure) -> BatchResultLine {
        var bytes: [UInt8]?
        if case .bytes(let read) = line { bytes = read }
        return try BatchResultLine(bytes, place: place, model: jobs.settings.model) { text throws(Failure) in
            let digest = try host.sha256(Array("\(folder.batchName)\n\(text)".utf8))
            return Wire.hexadecimalText(digest.prefix(16))
        }
    }

    /// Deletes what nobody can reach; a failure is noted for the operator, since the results are there all the same.
    private nonisolated(nonsending) func deleteRest(
        _ written: [CloudStorage.ListedObject],
        hasMarker: Bool
    ) async {
        do throws(Failure) {
            for object in written { try await storage.delete(name: object.name) }
            if hasMarker || !written.isEmpty { try await storage.remove(folder.marker) }
        } catch {
            host.log(
                .warning,
                "what a batch has written could not be deleted",
                [
                    ("request.id", storage.operation.requestID), ("folder", folder.path),
                    ("failure.reason", "\(error.reason)"),
                ]
            )
        }
    }
}

extension CloudStorage {
    /// Makes a small object, or replaces it.
    nonisolated(nonsending) func put(_ bytes: [UInt8], as object: StoredObject) async throws(Failure) {
        let query = "uploadType=media&name=\(Wire.percentEncoded(object.name))"
        let request = HTTPRequest(
            method: "POST",
            url: "\(settings.origin)/upload/storage/v1/b/\(settings.bucket)/o?\(query)",
            headers: [Header("Content-Type", "application/json")],
            body: [.bytes(bytes)],
            isIdempotent: true
        )
        let response = try await sender.send(request)
        let body = try await response.body()
        guard response.status == 200 || response.status == 201 else { throw failure(response, body) }
    }

    /// Deletes what a list has shown, folders' markers as well.
    nonisolated(nonsending) func delete(name: String) async throws(Failure) {
        try await delete(path: "/storage/v1/b/\(settings.bucket)/o/\(Wire.percentEncoded(name))")
    }
}
