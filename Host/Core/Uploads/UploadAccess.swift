extension Principal {
    /// Checks that this principal may work on an upload.
    ///
    /// - Parameters:
    ///   - upload: The upload; nil if there is none of this id.
    ///   - requested: The id as the client wrote it.
    /// - Returns: The upload, wherever it is in its life.
    /// - Throws: ``RuleError`` with `.uploadNotFound` or `.uploadAccessDenied`.
    package func check(_ upload: UploadSession?, _ requested: RequestedObject) throws(RuleError) -> UploadSession {
        guard let upload else { throw .notFound(.upload, requested.clientID) }
        guard may(.delete, upload) else { throw .accessDenied(.upload, requested.clientID, to: self) }
        return upload
    }
}

extension UploadSession {
    /// Checks that parts can be added, or that it can be cancelled.
    ///
    /// - Throws: ``RuleError`` with `.uploadExpired`, `.uploadCompleted`, `.uploadCancelled` or `.uploadUnderWay`.
    package func checkOpen(at now: UnixTime) throws(RuleError) {
        switch status(at: now) {
        case .pending: return
        case .completing: throw .uploadUnderWay
        case .completed:
            throw RuleError(.uploadCompleted, "The upload has been completed already.", parameter: "upload_id")
        case .cancelled:
            throw RuleError(.uploadCancelled, "The upload was cancelled. Begin another.", parameter: "upload_id")
        case .expired:
            throw RuleError(
                .uploadExpired,
                "The upload expired at \(expiresAt.secondsSince1970) (Unix seconds), an hour after it was begun. "
                    + "Begin another.",
                parameter: "upload_id"
            )
        }
    }
}

extension RuleError {
    /// The error for an upload that is being completed.
    package static let uploadUnderWay = RuleError(
        .uploadUnderWay,
        "The upload is being completed. Ask again in a moment.",
        parameter: "upload_id"
    )

    /// The error for an id that is no part of the upload, be it forged or of another.
    package static func notAPart(_ clientID: String) -> RuleError {
        RuleError(.invalidRequest, "This upload has no part \(clientID).", parameter: "part_ids")
    }
}
