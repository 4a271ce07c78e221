import HostCore

/// How an object ended: what becomes true for its owner all at once.
package struct ObjectSettlement: Sendable {
    /// A file that its provider has made of it.
    package struct ResultFile: Sendable {
        /// One of the reserved ids, or a new one.
        package let id: FileID
        package let providerID: String
        package let purpose: FilePurpose
        package let filename: String
        package let mimeType: String
        package let sizeInBytes: Int64
        package let expiresAt: UnixTime?

        /// Describes a file.
        package init(
            id: FileID,
            providerID: String,
            purpose: FilePurpose,
            filename: String,
            mimeType: String,
            sizeInBytes: Int64,
            expiresAt: UnixTime?
        ) {
            self.id = id
            self.providerID = providerID
            self.purpose = purpose
            self.filename = filename
            self.mimeType = mimeType
            self.sizeInBytes = sizeInBytes
            self.expiresAt = expiresAt
        }
    }

    package let report: ObjectReport
    /// What it has used, as a JSON object.
    package let usage: String?
    package let files: [ResultFile]
    /// The name of the model that it has made.
    package let model: String?
    /// The names of the models that it made on the way, which can be used as well.
    package let checkpoints: [String]
    /// Who is told, once.
    package let event: WebhookEvent?

    /// Describes an end.
    package init(
        report: ObjectReport,
        usage: String? = nil,
        files: [ResultFile] = [],
        model: String? = nil,
        checkpoints: [String] = [],
        event: WebhookEvent? = nil
    ) {
        self.event = event
        self.model = model
        self.checkpoints = checkpoints
        self.report = report
        self.usage = usage
        self.files = files
    }

    /// The names of all its models.
    var models: [String] { [model].compactMap { $0 } + checkpoints }
}
