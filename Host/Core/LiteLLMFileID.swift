/// LiteLLM's form of a managed file id: unpadded URL-safe base64 of
/// `litellm_proxy:{mime};unified_id,{uuid};target_model_names,{a,b}`, in its second generation followed by
/// `;llm_output_file_id,{id};llm_output_file_model_id,{deployment}`.
///
/// Only the UUID of such an id is used, to look the record up; what else it claims is never trusted.
package struct LiteLLMFileID: Sendable {
    private static let opening = "litellm_proxy:"
    /// Longer texts are not decoded: LiteLLM's own stay far below.
    private static let maximumLength = 8192

    package let uuid: RecordUUID
    package let mimeType: String
    package let targetNames: [String]

    /// Makes the id of a record.
    package init(uuid: RecordUUID, mimeType: String, targetNames: [String]) {
        self.uuid = uuid
        self.mimeType = mimeType
        self.targetNames = targetNames
    }

    /// The id as clients see it.
    package var text: String {
        let names = targetNames.joined(separator: ",")
        let plain = "\(Self.opening)\(mimeType);unified_id,\(uuid.text);target_model_names,\(names)"
        return URLSafeBase64.encode(Array(plain.utf8))
    }

    /// The UUID inside a text of this form; nil if it is not of this form.
    package static func uuid(in text: String) -> RecordUUID? {
        guard text.utf8.count <= maximumLength, let bytes = URLSafeBase64.decode(text),
            let plain = String(validating: bytes, as: UTF8.self), plain.hasPrefix(opening)
        else { return nil }
        let ids = plain.split(separator: ";").filter { $0.hasPrefix("unified_id,") }
        guard ids.count == 1 else { return nil }
        return RecordUUID(text: ids[0].dropFirst("unified_id,".count))
    }
}
