import HostCore
import HostPlugins
import HostRegistry
import NIOCore

/// OpenAI's batch object, with all of its members always there.
struct BatchObject: Sendable {
    static let outputMIMEType = "application/jsonl"
    /// What a provider says and a client is shown as it is.
    static let providerMembers = [
        "in_progress_at", "expires_at", "finalizing_at", "completed_at", "failed_at", "expired_at", "cancelling_at",
        "cancelled_at", "request_counts", "errors",
    ]
    private static let ownMembers = ["endpoint", "completion_window", "input_file_id", "metadata"]
    private static let noCounts = ConfigurationValue.map([
        "total": .integer(0), "completed": .integer(0), "failed": .integer(0),
    ])

    let value: ConfigurationValue
    let id: String

    /// Describes a batch as its owner is shown it.
    ///
    /// - Throws: ``DecodingError`` if the registry was changed by something else.
    init(_ batch: ManagedObject, _ services: GatewayServices) throws {
        let document = try ObjectDocument(batch.state.document)
        id = services.objectIDs.text(for: batch)
        var shown: [String: ConfigurationValue] = [
            "id": .string(id), "object": .string("batch"), "model": .string(batch.origin.modelName),
            "created_at": .integer(batch.createdAt.secondsSince1970),
            // What it has made is its owner's a moment after the provider has ended it.
            "status": .string(batch.stage == .settling ? "finalizing" : batch.state.status),
            "usage": try batch.state.usage.map { ConfigurationValue.map(try ObjectDocument($0).members) } ?? .null,
        ]
        for name in Self.ownMembers + Self.providerMembers { shown[name] = document[name] }
        if shown["request_counts"] == .null { shown["request_counts"] = Self.noCounts }
        let isOver = batch.stage == .settled
        for (name, file) in [("output_file_id", batch.origin.outputID), ("error_file_id", batch.origin.errorID)] {
            let text = file.map {
                services.fileIDs.text(
                    for: $0,
                    mimeType: Self.outputMIMEType,
                    targetNames: [batch.origin.modelName]
                )
            }
            shown[name] = isOver ? text.map(ConfigurationValue.string) ?? .null : .null
        }
        value = .map(shown)
    }

    func json() throws -> ByteBuffer { try ByteBuffer(json: value) }
}
