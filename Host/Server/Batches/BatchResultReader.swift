import HostCore
import HostPlugins
import HostRegistry
import Logging
import NIOCore

/// Finds out what a batch has made: its files, and what its requests have used.
struct BatchResultReader: Sendable {
    let settling: ObjectSettling
    let batch: ManagedObject
    let report: ObjectResult

    private var queries: ObjectQueries { settling.queries }

    /// Reads what there is.
    ///
    /// - Throws: ``OperationFailure`` of a provider that cannot be asked now.
    func read() async throws -> ObjectOutcome {
        let (output, errors) = try await providerFiles()
        var result = ObjectOutcome()
        let expiresAt = try lifetime().map { settling.clock.now().advanced(bySeconds: $0) }
        for (file, id, name) in [
            (output, batch.origin.outputID, "output"), (errors, batch.origin.errorID, "error"),
        ] {
            guard let file, let id else { continue }
            result.files.append(
                ObjectSettlement.ResultFile(
                    id: id,
                    providerID: file.id,
                    purpose: .batchOutput,
                    filename: "\(settling.objectIDs.text(for: batch.id, at: nil))_\(name).jsonl",
                    mimeType: BatchObject.outputMIMEType,
                    sizeInBytes: file.bytes ?? 0,
                    expiresAt: file.expiresAt.map(UnixTime.init(secondsSince1970:)) ?? expiresAt
                )
            )
        }
        do {
            result.usage = try await usage(in: output)
        } catch let failure as OperationFailure where failure.reason != .cancelled {
            // The files are its owner's whatever can be counted.
            settling.logger.warning(
                "the usage of a batch could not be counted",
                metadata: ["object.uuid": "\(batch.id.uuid.text)", "error": "\(failure)"]
            )
            result.usage = try reportedUsage()
        }
        return result
    }

    private func lifetime() throws -> Int64? {
        if case .integer(let seconds) = try ObjectDocument(batch.state.document)["output_expires_after"] {
            seconds
        } else {
            nil
        }
    }

    private func providerFiles() async throws -> (output: FileResult?, errors: FileResult?) {
        guard let providerID = batch.providerID else { return (nil, nil) }
        if settling.plugins.target(batch.deployment)?.serves(.batchResults) == true {
            let results = try await self.results(providerID)
            return (results.outputFile, results.errorFile)
        }
        return (try await file("output_file_id"), try await file("error_file_id"))
    }

    /// Has the provider's results made files.
    func results(_ providerID: String) async throws -> BatchResults {
        let input = BatchResultsInput(
            id: providerID,
            name: batch.id.uuid.text,
            endpoint: try ObjectDocument(batch.state.document).text("endpoint") ?? ""
        )
        // Asked again after a crash it makes the same objects, so nothing has to be written down on the way.
        return try BatchResults(
            try await settling.plugins.run(queries.request(.batchResults, input), on: batch.deployment)
        )
    }

    private func file(_ member: String) async throws(OperationFailure) -> FileResult? {
        guard case .string(let id)? = report.members[member] else { return nil }
        return try await queries.file(id, at: batch.deployment)
    }

    /// What the requests have used, summed up from the output as it streams by; what the provider says if that tells
    /// nothing.
    private func usage(in output: FileResult?) async throws -> String? {
        var usage = BatchUsage()
        if let output {
            var splitter = LineSplitter(maximumLength: Self.longestLine)
            let request = queries.request(.fileContent, FileInput(id: output.id))
            do {
                for try await part in try settling.plugins.stream(request, on: batch.deployment) {
                    guard case .bytes(let bytes) = part else { continue }
                    try Self.add(bytes, to: &usage, &splitter)
                }
                try Self.finish(&splitter, &usage)
            } catch is RuleError {
                settling.logger.warning(
                    "the usage of a batch is counted up to a line that is too long",
                    metadata: ["object.uuid": "\(batch.id.uuid.text)"]
                )
            }
        }
        return usage.requests > 0 ? usage.json : try reportedUsage()
    }

    /// What the provider says of the usage, if it does.
    private func reportedUsage() throws -> String? {
        guard let said = report.members["usage"], case .map(let members) = said else { return nil }
        return try ObjectDocument(members).text()
    }

    private static let longestLine = 256 << 20

    private static func finish(_ splitter: inout LineSplitter, _ usage: inout BatchUsage) throws(RuleError) {
        try splitter.finish { usage.add($0) }
    }

    private static func add(
        _ bytes: ByteBuffer,
        to usage: inout BatchUsage,
        _ splitter: inout LineSplitter
    ) throws(RuleError) {
        try bytes.withUnsafeReadableBytes { bytes in
            Result { () throws(RuleError) in try splitter.take(bytes) { usage.add($0) } }
        }.get()
    }
}
