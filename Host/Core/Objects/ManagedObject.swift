/// Where an object is in its life, as far as the gateway is concerned.
package enum ObjectStage: String, Sendable {
    /// Its provider is, or is about to be, asked to create it; nobody but the journal knows it.
    case creating
    /// It exists at its provider, and what is known of it may change.
    case open
    /// It is over at its provider; a host makes its results the owner's now.
    case settling
    /// It is over and will never change.
    case settled
    /// It is not wanted: what there is of it at its provider has to go, then its record.
    case gone

    /// Whether clients can see an object at this stage.
    package var isVisible: Bool { self == .open || self == .settling || self == .settled }
}

/// A batch, job or response of one owner at one deployment's provider.
///
/// It never changes. As a class, since a struct of so many fields costs more to hand over than to look up.
package final class ManagedObject: OwnedRecord, Sendable {
    /// What was fixed when the object was begun.
    package struct Origin: Hashable, Sendable {
        package let id: ObjectID
        package let owner: Owner
        /// The team of the key that made it; its members share the object.
        package let teamID: TeamID?
        package let deployment: DeploymentID
        /// What the client called the model.
        package let modelName: String
        /// The managed file that it works on.
        package let inputID: FileID?
        /// The managed file that a fine-tuning job is held against.
        package let validationID: FileID?
        /// The hidden file that its provider gets in the input's place.
        package let derivedID: FileID?
        /// The hidden file that its provider gets in the validation file's place.
        package let derivedValidationID: FileID?
        /// What its first result file is called: reserved, so that whoever makes that file's record gives it this id.
        package let outputID: FileID?
        /// What its file of errors is called, likewise.
        package let errorID: FileID?
        /// Whom to tell when it is over.
        package let webhookURL: String?

        /// Describes an object that is about to be made.
        ///
        /// - Parameters:
        ///   - id: Its id.
        ///   - owner: Whose it is.
        ///   - teamID: The team of the key that makes it.
        ///   - deployment: Where it is made.
        ///   - modelName: What the client called the model.
        ///   - inputID: The managed file that it works on.
        ///   - validationID: The managed file that a fine-tuning job is held against.
        ///   - derivedID: The hidden file that its provider gets in the input's place.
        ///   - derivedValidationID: The hidden file that its provider gets in the validation file's place.
        ///   - outputID: The reserved id of its first result file.
        ///   - errorID: The reserved id of its file of errors.
        ///   - webhookURL: Whom to tell when it is over.
        package init(
            id: ObjectID,
            owner: Owner,
            teamID: TeamID?,
            deployment: DeploymentID,
            modelName: String,
            inputID: FileID? = nil,
            validationID: FileID? = nil,
            derivedID: FileID? = nil,
            derivedValidationID: FileID? = nil,
            outputID: FileID? = nil,
            errorID: FileID? = nil,
            webhookURL: String? = nil
        ) {
            self.id = id
            self.owner = owner
            self.teamID = teamID
            self.deployment = deployment
            self.modelName = modelName
            self.inputID = inputID
            self.validationID = validationID
            self.derivedID = derivedID
            self.derivedValidationID = derivedValidationID
            self.outputID = outputID
            self.errorID = errorID
            self.webhookURL = webhookURL
        }
    }

    /// What changes while the object lives.
    package struct State: Hashable, Sendable {
        /// The provider's id; nil until the provider has named it.
        package let providerID: String?
        package let stage: ObjectStage
        /// The provider's word in OpenAI's terms, such as `in_progress`.
        package let status: String
        /// What clients are shown, as a JSON object without managed ids.
        package let document: String
        /// What it has used, as a JSON object; nil until that is known.
        package let usage: String?
        /// How often in a row its provider could not be asked.
        package let failures: Int
        /// Since when its provider says that it has no such object; nil if it does not say so.
        package let missingSince: UnixTime?
        /// When something was last noted about it.
        package let updatedAt: UnixTime
        /// When its record may be dropped; nil for never.
        package let expiresAt: UnixTime?

        /// Describes a state.
        package init(
            providerID: String?,
            stage: ObjectStage,
            status: String,
            document: String,
            usage: String?,
            failures: Int,
            missingSince: UnixTime?,
            updatedAt: UnixTime,
            expiresAt: UnixTime?
        ) {
            self.providerID = providerID
            self.stage = stage
            self.status = status
            self.document = document
            self.usage = usage
            self.failures = failures
            self.missingSince = missingSince
            self.updatedAt = updatedAt
            self.expiresAt = expiresAt
        }
    }

    package let origin: Origin
    package let state: State
    package let createdAt: UnixTime

    package var id: ObjectID { origin.id }
    package var owner: Owner { origin.owner }
    package var teamID: TeamID? { origin.teamID }
    package var deployment: DeploymentID { origin.deployment }
    package var providerID: String? { state.providerID }
    package var stage: ObjectStage { state.stage }

    /// Makes an object's description.
    package init(origin: Origin, state: State, createdAt: UnixTime) {
        self.origin = origin
        self.state = state
        self.createdAt = createdAt
    }
}

extension ManagedObject: Hashable {
    /// Whether nothing differs.
    package static func == (object: ManagedObject, other: ManagedObject) -> Bool {
        object === other
            || object.origin == other.origin && object.state == other.state && object.createdAt == other.createdAt
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

extension Principal {
    /// Checks that this principal may do this to that object, and that clients can see it.
    ///
    /// - Parameters:
    ///   - action: What is to be done.
    ///   - object: The object; nil if there is none of this id.
    ///   - requested: The id as the client wrote it.
    /// - Returns: The object.
    /// - Throws: ``RuleError`` of the kind's codes: access denied, or not found for one that is not yet made or no longer
    ///   wanted.
    package func check(
        _ action: FileAction,
        _ object: ManagedObject?,
        _ requested: RequestedObject
    ) throws(RuleError) -> ManagedObject {
        let kind = requested.id.kind
        guard let object, object.id == requested.id, object.stage.isVisible else {
            throw .notFound(kind, requested.clientID)
        }
        guard may(action, object) else { throw .accessDenied(kind, requested.clientID, to: self) }
        return object
    }
}
