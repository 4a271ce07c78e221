import GantryPlugin

/// Makes Gemini's parts of texts, files and images.
struct MediaParts {
    let files: FileReferences
    /// What lies in these is reached by references alone.
    let buckets: Set<String>

    /// Content that may be text only: a string, or parts of the one type.
    func texts(_ content: RequestNode, type expected: String) throws(Failure) -> [JSON] {
        if let text = content.value.string { return [["text": .string(text)]] }
        guard content.value.array != nil else { throw notContent(content) }
        var parts: [JSON] = []
        for part in try content.elements() {
            let type = try part.required("type")
            guard try type.string() == expected else {
                throw type.unsupported("Only parts of the type '\(expected)' can stand here for \(Wire.providerName).")
            }
            parts.append(try text(part))
        }
        return parts
    }

    /// Content of a user: a string, or parts.
    ///
    /// - Parameters:
    ///   - content: The member with the content.
    ///   - types: What the client may use, for the refusal of another type.
    ///   - read: Makes a part of one of the types; nil if it does not know the type.
    /// - Returns: At least one part.
    /// - Throws: `.invalid` or `.unsupported`, with the part's place.
    func parts(
        _ content: RequestNode,
        types: @autoclosure () -> String,
        read: (_ type: String, _ part: RequestNode) throws(Failure) -> JSON?
    ) throws(Failure) -> [JSON] {
        if let text = content.value.string { return [["text": .string(text)]] }
        guard content.value.array != nil else { throw notContent(content) }
        var parts: [JSON] = []
        for node in try content.elements() {
            let type = try node.required("type")
            guard let part = try read(try type.string(), node) else {
                throw type.unsupported("\(Wire.providerName) has no such content part; use \(types()).")
            }
            parts.append(part)
        }
        guard !parts.isEmpty else { throw content.invalid("The content of a user message is empty.") }
        return parts
    }

    func text(_ part: RequestNode) throws(Failure) -> JSON {
        try part.allow(["type", "text"])
        return ["text": .string(try part.required("text").string())]
    }

    /// Gemini sets a resolution for all media of a request, never for one image.
    func checkDetail(of media: RequestNode) throws(Failure) {
        guard let detail = try media.optional("detail"), try detail.string() != "auto" else { return }
        throw detail.unsupported("\(Wire.providerName) chooses an image's detail itself; use 'auto'.")
    }

    /// A file from the one of its sources that is there.
    ///
    /// - Parameters:
    ///   - file: The object that has them.
    ///   - sources: Which of `file_id`, `file_data`, and else members with a URL there can be.
    ///   - noun: What it is called in refusals.
    /// - Returns: The part.
    /// - Throws: `.invalid` or `.unsupported`, with the member's place.
    func file(_ file: RequestNode, sources: [String], noun: String = "A file") throws(Failure) -> JSON {
        var found: (name: String, node: RequestNode)?
        for name in sources {
            guard let node = try file.optional(name) else { continue }
            guard let earlier = found?.name else {
                found = (name, node)
                continue
            }
            throw node.invalid("\(noun) has either '\(earlier)' or '\(name)', not both.")
        }
        switch found {
        case ("file_id", let id)?: return try self.file(id: id)
        case ("file_data", let data)?: return try self.file(data: data)
        case (_, let url)?: return try address(url)
        case nil:
            let names = sources.map { "'\($0)'" }.joined(separator: " or ")
            throw file.invalid("\(noun) needs \(names).")
        }
    }

    /// What lies at a URL, or in it.
    func address(_ url: RequestNode) throws(Failure) -> JSON {
        if let reference = files[try url.string()] { return try fileData(reference, at: url) }
        if let part = try inlineData(url) { return part }
        return try fileData(url)
    }

    private func file(id: RequestNode) throws(Failure) -> JSON {
        let text = try id.string()
        if let reference = files[text] { return try fileData(reference, at: id) }
        guard text.hasPrefix("gs://") else {
            throw id.invalid("This is not the id of a file that this deployment can read.")
        }
        return try fileData(id)
    }

    private func file(data: RequestNode) throws(Failure) -> JSON {
        if let reference = files[try data.string()] { return try fileData(reference, at: data) }
        guard let part = try inlineData(data) else {
            throw data.invalid("'file_data' must be a data URL: data:TYPE;base64,TEXT.")
        }
        return part
    }

    /// A data URL's bytes; nil if it is another kind of URL.
    private func inlineData(_ url: RequestNode) throws(Failure) -> JSON? {
        let text = try url.string()
        guard text.prefix(5).lowercased() == "data:" else { return nil }
        guard let (type, data) = MediaType.splitDataURL(text) else {
            throw url.invalid("A data URL must have the form data:TYPE;base64,TEXT.")
        }
        return ["inlineData": ["mimeType": .string(type), "data": .string(data)]]
    }

    /// A URL that Google fetches itself.
    private func fileData(_ url: RequestNode) throws(Failure) -> JSON {
        let uri = try url.string()
        let isFetchable = uri.hasPrefix("gs://") || uri.hasPrefix("https://") || uri.hasPrefix("http://")
        guard isFetchable else {
            throw url.invalid("The address must be an https:, gs: or data: URL.")
        }
        // A key that may use the provider's own ids writes gs://, which the host has allowed it.
        guard uri.hasPrefix("gs://") || !buckets.mayHold(uri) else {
            throw url.invalid("This address is in a bucket of the gateway; use the id of the file.")
        }
        guard let type = MediaType.guess(fromName: uri) else {
            throw url.unsupported(
                "\(Wire.providerName) must be told the type of this file, and its name does not show it; "
                    + "upload the file, or send it as a data URL."
            )
        }
        return ["fileData": ["mimeType": .string(type), "fileUri": .string(uri)]]
    }

    /// This deployment's copy of a managed file.
    func fileData(_ reference: Reference, at node: RequestNode) throws(Failure) -> JSON {
        var type = reference.mimeType
        // "Some bytes" is not a type that Gemini reads; the name often says more.
        if !MediaType.isMediaType(type) || type == "application/octet-stream" {
            guard let guess = MediaType.guess(fromName: reference.filename) else {
                throw node.unsupported(
                    "\(Wire.providerName) must be told the type of this file, and neither its type nor its name "
                        + "shows it; upload it again with a Content-Type."
                )
            }
            type = guess
        }
        return ["fileData": ["mimeType": .string(type), "fileUri": .string(reference.upstreamID)]]
    }

    private func notContent(_ node: RequestNode) -> Failure {
        node.invalid("Invalid type: '\(node.place.parameter ?? "content")' must be a string or an array of parts.")
    }
}
