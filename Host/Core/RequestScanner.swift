/// Finds in one pass what the gateway must know of a JSON request: the model, the mode and the places that name files.
///
/// Nothing is copied but what is found. The text must be one object after RFC 8259, in UTF-8, at most 128 levels deep. Stricter than the RFC: a known member
/// may not come twice in one object, and an escape may not be half of a surrogate pair, since then the gateway and a
/// provider could read the same request differently.
package enum RequestScanner {
    /// How deep objects and arrays may stand in each other.
    package static let maximumDepth = 128
    /// How many places of one request may name a file.
    package static let maximumPlaces = 1000
    /// The longest model name in bytes.
    package static let maximumModelLength = 256

    /// Scans the body of a chat, embeddings or responses request.
    ///
    /// These values name files, at any depth: `file_id`; each element of `file_ids`; `image_url`, `file_url`,
    /// `video_url` and `audio_url` (a string, or an object's `url`) unless they are `data:` URLs or lead to some web
    /// site; `file_data` and `input_audio.data` if they begin as no content would. Free-form parts are left alone:
    /// the top-level `metadata`, the JSON schemas of tools and answers, the arguments of calls.
    ///
    /// - Parameter bytes: The whole body; lent for this call.
    /// - Returns: What was found; offsets count from the first of the bytes.
    /// - Throws: ``RuleError`` with `.invalidRequest`, or `.tooLarge` for more than 1,000 places.
    package static func scan(_ bytes: UnsafeRawBufferPointer) throws(RuleError) -> RequestScan {
        guard let scanner = JSONScanner(bytes) else {
            throw RuleError(.invalidRequest, "The request body is empty; it must be a JSON object.")
        }
        var scan = RequestScan()
        var failure: RuleError?
        withUnsafeTemporaryAllocation(of: Walk.Step.self, capacity: maximumDepth) { steps in
            var walk = Walk(scanner, steps: steps)
            do throws(JSONFault) {
                try walk.request()
                swap(&scan, &walk.scan)
            } catch {
                failure = walk.ruleError(for: error)
            }
        }
        if let failure { throw failure }
        return scan
    }
}
