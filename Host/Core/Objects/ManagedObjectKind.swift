/// What is made at a provider on somebody's behalf and is no file.
package enum ManagedObjectKind: String, Sendable, CaseIterable {
    case batch
    case job
    case response
    /// An upload in parts; it is kept in tables of its own.
    case upload
    /// One part of an upload.
    case part

    /// What every id of the kind begins with.
    package var prefix: String {
        switch self {
        case .batch: "batch_"
        case .job: "ftjob-"
        case .response: "resp_"
        case .upload: "upload_"
        case .part: "part_"
        }
    }

    /// How messages call it.
    package var noun: String {
        switch self {
        case .batch, .response, .upload, .part: rawValue
        case .job: "fine-tuning job"
        }
    }

    /// The name of the parameter that holds an id of the kind.
    package var parameter: String { self == .job ? "fine_tuning_job_id" : "\(rawValue)_id" }
}

/// Names one batch, job, response, upload or part of an upload.
package struct ObjectID: Hashable, Sendable {
    package let kind: ManagedObjectKind
    package let uuid: RecordUUID

    /// Makes the identifier of the record with this UUID.
    package init(_ kind: ManagedObjectKind, uuid: RecordUUID) {
        self.kind = kind
        self.uuid = uuid
    }
}

/// An object that a client names.
package struct RequestedObject: Hashable, Sendable {
    package let id: ObjectID
    /// The id as the client wrote it, for messages.
    package let clientID: String

    /// Makes a reference.
    package init(id: ObjectID, clientID: String) {
        self.id = id
        self.clientID = clientID
    }
}

extension RuleError {
    /// The error for an id that is unknown, deleted or forged: the three read alike.
    package static func notFound(_ kind: ManagedObjectKind, _ clientID: String) -> RuleError {
        let code: Code =
            switch kind {
            case .batch: .batchNotFound
            case .job: .jobNotFound
            case .response: .responseNotFound
            case .upload, .part: .uploadNotFound
            }
        return RuleError(code, "No such \(kind.noun): \(clientID)", parameter: kind.parameter)
    }

    /// The error for an object of somebody else.
    package static func accessDenied(
        _ kind: ManagedObjectKind,
        _ clientID: String,
        to principal: Principal
    ) -> RuleError {
        let code: Code =
            switch kind {
            case .batch: .batchAccessDenied
            case .job: .jobAccessDenied
            case .response: .responseAccessDenied
            case .upload, .part: .uploadAccessDenied
            }
        return RuleError(code, "\(principal.displayName) does not have access to the \(kind.noun) \(clientID)")
    }
}
