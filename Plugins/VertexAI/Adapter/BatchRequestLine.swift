import GantryPlugin

/// Turns a line of a batch's input into Vertex AI's: `{"request": {…}}`, with the `custom_id` in its labels.
struct BatchRequestLine {
    /// The line, with its end.
    let bytes: [UInt8]

    /// Translates a line.
    ///
    /// - Parameters:
    ///   - line: The client's line, without its end.
    ///   - references: What the host has found in it.
    ///   - settings: The deployment that answers it.
    ///   - buckets: What lies in these is reached by references alone.
    /// - Throws: `.invalid` or `.unsupported`, with the place in the line.
    init(
        _ line: [UInt8],
        references: [Reference],
        settings: Settings,
        buckets: Set<String>
    ) throws(Failure) {
        let node = RequestNode(root: try InputLine.document(line))
        guard !Settings.isEndpointPath(try settings.model(named: references)) else {
            throw node.unsupported("\(Wire.providerName) batches cannot use a tuned model; use its base model.")
        }
        let idNode = try node.required("custom_id")
        let customID = try idNode.string()
        guard let labels = CustomIDLabels.labels(for: customID) else {
            throw idNode.invalid(
                "The custom_id is too long: \(Wire.providerName) can carry \(CustomIDLabels.maximumLength) bytes of it."
            )
        }
        let body = try node.required("body")
        if let stream = try body.optional("stream"), try stream.bool() {
            throw stream.invalid("A batch has no streams; leave 'stream' out.")
        }
        let request = try ChatRequest(body, references: references, settings: settings, buckets: buckets)
        guard var object = request.body.object else {
            throw Failure(.internalError, "A translated request is not an object.")
        }
        object["labels"] = labels
        bytes = InputLine.terminated(["request": .object(object)])
    }
}

/// What all lines of a JSONL file have in common.
enum InputLine {
    static func document(_ line: [UInt8]) throws(Failure) -> JSON {
        do throws(JSONError) {
            return try JSON(parsing: line)
        } catch {
            throw Failure(.invalid, "It is not valid JSON: \(error).")
        }
    }

    static func terminated(_ document: JSON) -> [UInt8] {
        var bytes = document.serialized()
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
}
