/// The pairs that a client may write on what it makes.
enum OpenAIMetadata {
    private static let mostPairs = 16
    private static let longestKey = 64
    private static let longestValue = 512

    /// Checks the metadata of a request that has its shape: at most 16 pairs, of 64 and 512 characters.
    ///
    /// - Throws: ``OpenAIError`` 400.
    static func check(_ metadata: JSON?) throws {
        let members = metadata?.object?.members ?? []
        guard members.count <= mostPairs else {
            let message =
                "Invalid 'metadata': too many properties. Expected an object with at most \(mostPairs) properties, but "
                + "got an object with \(members.count) properties instead."
            throw OpenAIError.invalid(message, param: "metadata", code: "object_above_max_properties")
        }
        for member in members {
            try check(member.key, upTo: longestKey, at: "metadata")
            try check(member.value.string ?? "", upTo: longestValue, at: "metadata.\(member.key)")
        }
    }

    private static func check(_ text: String, upTo limit: Int, at path: String) throws {
        guard text.count > limit else { return }
        let message =
            "Invalid '\(path)': string too long. Expected a string with maximum length \(limit), but got a string with "
            + "length \(text.count) instead."
        throw OpenAIError.invalid(message, param: path, code: "string_above_max_length")
    }
}
