import GantryPlugin

/// Makes Vertex AI's form of a JSONL file, line by line, as an object of the deployment's bucket.
struct InputCreation {
    /// What the lines are.
    enum Purpose {
        case batch
        case tuning
    }

    let purpose: Purpose
    let settings: Settings
    let storage: CloudStorage
    let buckets: Set<String>
    private let name: String

    /// Reads the operation's input.
    init(_ input: JSON, settings: Settings, storage: CloudStorage, buckets: Set<String>) throws(Failure) {
        self.settings = settings
        self.storage = storage
        self.buckets = buckets
        name = input["name"]?.string ?? ""
        switch input["purpose"]?.string {
        case "batch":
            try BatchEndpoint.check(input)
            purpose = .batch
        case "fine-tune": purpose = .tuning
        default:
            throw Failure(
                .unsupported,
                "\(Wire.providerName) has input files for batches and for fine-tuning only.",
                parameter: "purpose"
            )
        }
    }

    /// - Returns: `{"id", "bytes"}`.
    nonisolated(nonsending) func run() async throws(Failure) -> JSON {
        let filename = purpose == .batch ? "input.jsonl" : "examples.jsonl"
        let object = try StoredObject(unique: name, filename: filename, settings: storage.settings)
        let writer = ObjectWriter(
            object,
            storage: storage,
            type: "application/jsonl",
            purpose: purpose == .batch ? "batch" : "fine-tune"
        )
        do throws(Failure) {
            var number = 0
            while let line = try await storage.operation.nextLine() {
                number += 1
                try await writer.append(try translated(line, number: number))
            }
            guard let file = try await writer.finish() else {
                throw Failure(.invalid, "The file has no lines.", parameter: "file")
            }
            return file
        } catch {
            if error.reason != .cancelled { await writer.abandon() }
            throw error
        }
    }

    private func translated(_ line: SourceLine, number: Int) throws(Failure) -> [UInt8] {
        do throws(Failure) {
            switch purpose {
            case .batch:
                return try BatchRequestLine(
                    line.bytes,
                    references: line.references,
                    settings: settings,
                    buckets: buckets
                ).bytes
            case .tuning:
                return try TuningExample(
                    line.bytes,
                    references: line.references,
                    settings: settings,
                    buckets: buckets
                ).bytes
            }
        } catch {
            var failure = error
            failure.message = "Line \(number) of the file (blank ones not counted) cannot be used. \(error.message)"
            throw failure
        }
    }
}

/// The endpoints whose requests a batch may have.
enum BatchEndpoint {
    private static let chat = "/v1/chat/completions"

    /// Refuses what Vertex AI's batches cannot answer.
    static func check(_ input: JSON) throws(Failure) {
        let endpoint = input["endpoint"]?.string ?? ""
        guard endpoint != chat else { return }
        throw Failure(
            .unsupported,
            "\(Wire.providerName) deployments have batches of \(chat) only.",
            parameter: "endpoint",
            mayFallBack: true
        )
    }
}
