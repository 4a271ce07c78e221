/// Writes and reads ids of batches, jobs, responses, uploads and their parts.
///
/// Gantry's own form is the kind's prefix and 40 lower-case base-32 characters with a keyed tag in them, which the kind is
/// part of: a made-up id, or one of another kind, is refused before anything is looked up. LiteLLM has a form for batches,
/// unpadded URL-safe base64 of `litellm_proxy;model_id:{deployment};llm_batch_id:{id}`; here the id inside is the own one,
/// and what else such a text claims is never trusted.
package struct ObjectIDCodec: Sendable {
    private static let opening = "litellm_proxy;model_id:"
    private static let separator = ";llm_batch_id:"
    /// Longer texts are not decoded.
    private static let maximumLength = 4096

    private let format: FileIDFormat
    private let forms: [ManagedObjectKind: TaggedID]

    /// Makes a codec.
    ///
    /// - Parameters:
    ///   - format: The form of the ids that are written; all forms are read.
    ///   - authenticate: A keyed pseudo-random function of at least 9 bytes, such as HMAC-SHA256.
    package init(format: FileIDFormat, authenticate: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.format = format
        forms = Dictionary(
            uniqueKeysWithValues: ManagedObjectKind.allCases.map { kind in
                let label = "gantry \(kind.rawValue) id 1"
                return (kind, TaggedID(prefix: kind.prefix, label: label, authenticate: authenticate))
            }
        )
    }

    /// Writes an object's id as clients see it.
    package func text(for object: ManagedObject) -> String { text(for: object.id, at: object.deployment) }

    /// Writes the id of an object at a deployment; that stands in LiteLLM's form alone.
    package func text(for id: ObjectID, at deployment: DeploymentID?) -> String {
        guard let own = forms[id.kind]?.text(for: id.uuid) else {
            preconditionFailure("Every kind has a form.")
        }
        guard format == .litellm, id.kind == .batch, let deployment else { return own }
        return URLSafeBase64.encode(Array("\(Self.opening)\(deployment)\(Self.separator)\(own)".utf8))
    }

    /// Reads an id of a kind as a client wrote it; nil if this gateway has never handed it out.
    package func id(_ kind: ManagedObjectKind, in text: String) -> ObjectID? {
        guard let form = forms[kind] else { return nil }
        if let uuid = form.uuid(in: text) { return ObjectID(kind, uuid: uuid) }
        guard kind == .batch, let inner = Self.inner(text) else { return nil }
        return form.uuid(in: inner).map { ObjectID(kind, uuid: $0) }
    }

    /// Reads an id of a kind as a client wrote it.
    ///
    /// - Throws: ``RuleError`` of the kind's code for what is not found.
    package func requested(_ kind: ManagedObjectKind, _ text: String) throws(RuleError) -> RequestedObject {
        guard let id = id(kind, in: text) else { throw .notFound(kind, text) }
        return RequestedObject(id: id, clientID: text)
    }

    /// The batch's id inside of LiteLLM's form; nil for any other text.
    private static func inner(_ text: String) -> String? {
        guard text.utf8.count <= maximumLength, let bytes = URLSafeBase64.decode(text),
            let plain = String(validating: bytes, as: UTF8.self), plain.hasPrefix(opening)
        else { return nil }
        // The name of a deployment is free text, so the last separator counts; the own id has none in it.
        let parts = plain.split(separator: separator, omittingEmptySubsequences: false)
        return parts.count < 2 ? nil : parts.last.map { String($0) }
    }
}
