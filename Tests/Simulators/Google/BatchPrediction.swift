import Foundation
import NIOCore

/// Answers the lines of a batch and writes its predictions.
struct BatchPrediction {
    /// How many lines change places: real jobs do not keep the order.
    private static let window = 16

    let job: VertexJob
    let storage: CloudStorage
    let clock: SimulatedClock

    /// Answers at most `limit` lines.
    ///
    /// - Returns: The members `completionStats` and `outputInfo`, nil where nothing is answered.
    /// - Throws: ``VertexJob/Problem`` where the input cannot be read.
    func run(limit: Int) throws -> JSON? {
        let request = try JSONParser.parse(job.request.utf8)
        guard let model = GeminiModel.named(request["model"]?.string?.lastSegment ?? "") else {
            throw VertexJob.Problem(code: 5, message: "The model is gone.")
        }
        let prefix = request["outputConfig"]?["gcsDestination"]?["outputUriPrefix"]?.string ?? ""
        let directory =
            (prefix.hasSuffix("/") ? prefix : prefix + "/") + "prediction-model-\(clock.unixSeconds.timestamp)"
        let writer = try PredictionWriter(job: job, directory: directory, storage: storage, clock: clock)
        var (succeeded, failed, left) = (0, 0, 0)
        var waiting: [String] = []
        for uri in request["inputConfig"]?["gcsSource"]?["uris"]?.array?.compactMap(\.string) ?? [] {
            try StoredLines(uri: uri, account: job.account, storage: storage).read { number, line in
                guard succeeded + failed < limit else {
                    left += 1
                    return
                }
                let (text, isGood) = try answer(line, number: number, model: model)
                if isGood { succeeded += 1 } else { failed += 1 }
                waiting.append(text)
                guard waiting.count == Self.window else { return }
                for text in waiting.reversed() { try writer.write(text) }
                waiting = []
            }
        }
        for text in waiting.reversed() { try writer.write(text) }
        guard succeeded + failed > 0 || job.plan.garbage != nil else { return nil }
        if let garbage = job.plan.garbage { try writer.write(garbage) }
        try writer.finish()
        // Counts of zero are left out, as everywhere in Google's JSON.
        let counts = [("successfulCount", succeeded), ("failedCount", failed), ("incompleteCount", left)]
        return [
            "completionStats": .object(
                counts.filter { $0.1 > 0 }.reduce(into: JSONObject()) { $0[$1.0] = .string(String($1.1)) }
            ),
            "outputInfo": ["gcsOutputDirectory": .string(directory)],
        ]
    }

    private func answer(_ line: JSON, number: Int, model: GeminiModel) throws -> (text: String, isGood: Bool) {
        guard let keys = line.object?.keys, keys == ["request"], let request = line["request"] else {
            throw VertexJob.Problem(code: 3, message: "Line \(number) of the input has not the form {\"request\": …}.")
        }
        var json: JSONObject = JSONObject()
        json["request"] = request
        do {
            let generation = ContentGeneration(
                storage: storage,
                jobs: nil,
                grant: .whole(of: job.account),
                clock: clock
            )
            json["response"] = try generation.response(to: request, model: model)
            json["status"] = ""
        } catch let error as GoogleError {
            json["response"] = [:]
            json["status"] = .string("Bad Request: \(error.json.text)")
        } catch let error as ShapeError {
            json["response"] = [:]
            json["status"] = .string("Bad Request: \(GoogleError.shape(error, form: .rpc).json.text)")
        }
        json["processed_time"] = .string(clock.unixSeconds.timestamp)
        return (JSON.object(json).text, json["status"] == "")
    }
}

/// Writes the objects that predictions lie in.
private final class PredictionWriter {
    private let job: VertexJob
    private let bucket: String
    private let folder: String
    private let storage: CloudStorage
    private let clock: SimulatedClock
    private let shards: [BlobWriter]
    private var count = 0

    init(job: VertexJob, directory: String, storage: CloudStorage, clock: SimulatedClock) throws {
        let parts = directory.dropFirst(5).split(separator: "/", maxSplits: 1).map(String.init)
        (bucket, folder) = (parts[0], parts.count > 1 ? parts[1] : "")
        (self.job, self.storage, self.clock) = (job, storage, clock)
        try VertexAccess.enter(bucket, of: job.account, storage: storage, for: "objects.create")
        shards = try (0..<max(job.plan.shards ?? 1, 1)).map { _ in try storage.blobs.writer() }
    }

    func write(_ line: String) throws {
        try shards[count % shards.count].append(ByteBuffer(string: line + "\n"))
        count += 1
    }

    func finish() throws {
        for (index, writer) in shards.enumerated() {
            let number = String(repeating: "0", count: 3 - String(index).count) + String(index)
            let name = job.plan.shards == nil ? "predictions.jsonl" : "predictions_\(number).jsonl"
            _ = try storage.objects.insert(
                try writer.finish(),
                in: bucket,
                of: job.account,
                as: StoredObject.Description(name: "\(folder)/\(name)", contentType: "application/octet-stream"),
                generationMatch: nil,
                at: clock.unixMilliseconds
            )
        }
    }
}

/// Lets jobs at Cloud Storage with their account's rights; what is refused ends the job.
enum VertexAccess {
    static func enter(_ bucket: String, of account: String, storage: CloudStorage, for permission: String) throws {
        do {
            try storage.objects.enter(bucket, grant: .whole(of: account), for: permission)
        } catch let error as GoogleError {
            throw VertexJob.Problem(code: error.status == 403 ? 7 : 5, message: error.message)
        }
    }
}

/// The lines of a stored JSONL object.
struct StoredLines {
    private static let pieceBytes = 256 * 1024

    let uri: String
    let account: String
    let storage: CloudStorage

    /// Hands over each line with its number, from 1.
    ///
    /// - Throws: ``VertexJob/Problem`` where the object is missing or a line is not JSON.
    func read(_ body: (Int, JSON) throws -> Void) throws {
        let parts = uri.dropFirst(5).split(separator: "/", maxSplits: 1).map(String.init)
        try VertexAccess.enter(parts[0], of: account, storage: storage, for: "objects.get")
        guard parts.count == 2, let object = storage.objects.object(parts[1], in: parts[0]) else {
            throw VertexJob.Problem(code: 5, message: "The object \(uri) was not found.")
        }
        let reader = try storage.blobs.reader(of: object.blob)
        var rest = Data()
        var (offset, number) = (0, 0)
        while offset < object.blob.bytes {
            let piece = try reader.read(at: offset, count: Self.pieceBytes)
            offset += piece.readableBytes
            rest.append(contentsOf: piece.readableBytesView)
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                number += 1
                try hand(rest[rest.startIndex..<end], number, to: body)
                rest = rest[(end + 1)...]
            }
            rest = Data(rest)
        }
        if !rest.isEmpty { try hand(rest, number + 1, to: body) }
    }

    private func hand(_ line: Data, _ number: Int, to body: (Int, JSON) throws -> Void) throws {
        do {
            try body(number, try JSONParser.parse(line))
        } catch let error as JSONParserError {
            throw VertexJob.Problem(
                code: 3,
                message: "Line \(number) of \(uri) is not JSON: \(error.message) at byte \(error.offset)."
            )
        }
    }
}
