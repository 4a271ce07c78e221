import GantryPlugin

extension ChatRequestTranslator {
    /// Content that may be text only: a string, or parts of the type `text`.
    func textParts(_ content: RequestNode) throws(Failure) -> [JSON] {
        if let text = content.value.string { return [["text": .string(text)]] }
        guard content.value.array != nil else { throw notContent(content) }
        var parts: [JSON] = []
        for part in try content.elements() {
            let type = try part.required("type")
            guard try type.string() == "text" else {
                throw type.unsupported("Only parts of the type 'text' can stand here for \(Wire.providerName).")
            }
            parts.append(try textPart(part))
        }
        return parts
    }

    func userParts(_ content: RequestNode) throws(Failure) -> [JSON] {
        if let text = content.value.string { return [["text": .string(text)]] }
        guard content.value.array != nil else { throw notContent(content) }
        var parts: [JSON] = []
        for part in try content.elements() {
            let type = try part.required("type")
            switch try type.string() {
            case "text": parts.append(try textPart(part))
            case "image_url": parts.append(try imagePart(part))
            case "file": parts.append(try filePart(part))
            case "input_audio": parts.append(try audioPart(part))
            default:
                throw type.unsupported(
                    "\(Wire.providerName) has no such content part; use text, image_url, file or input_audio."
                )
            }
        }
        guard !parts.isEmpty else { throw content.invalid("The content of a user message is empty.") }
        return parts
    }

    private func textPart(_ part: RequestNode) throws(Failure) -> JSON {
        try part.allow(["type", "text"])
        return ["text": .string(try part.required("text").string())]
    }

    private func imagePart(_ part: RequestNode) throws(Failure) -> JSON {
        try part.allow(["type", "image_url"])
        let image = try part.required("image_url")
        try image.allow(["url", "detail"])
        if let detail = try image.optional("detail"), try detail.string() != "auto" {
            // Gemini sets a resolution for all media of a request, never for one image.
            throw detail.unsupported("\(Wire.providerName) chooses an image's detail itself; use 'auto'.")
        }
        let url = try image.required("url")
        if let reference = files[try url.string()] { return try fileData(reference, at: url) }
        if let part = try inlineData(url) { return part }
        return try fileData(url)
    }

    private func filePart(_ part: RequestNode) throws(Failure) -> JSON {
        try part.allow(["type", "file"])
        let file = try part.required("file")
        // The file's name is a label: the model is given the bytes and their type.
        try file.allow(["file_id", "file_data", "filename"])
        _ = try file.optional("filename")?.string()
        let id = try file.optional("file_id")
        let data = try file.optional("file_data")
        switch (id, data) {
        case (let id?, nil):
            let text = try id.string()
            if let reference = files[text] { return try fileData(reference, at: id) }
            guard text.hasPrefix("gs://") else {
                throw id.invalid("This is not the id of a file that this deployment can read.")
            }
            return try fileData(id)
        case (nil, let data?):
            if let reference = files[try data.string()] { return try fileData(reference, at: data) }
            guard let part = try inlineData(data) else {
                throw data.invalid("'file_data' must be a data URL: data:TYPE;base64,TEXT.")
            }
            return part
        case (nil, nil):
            throw file.invalid("A file needs 'file_id' or 'file_data'.")
        case (_?, let data?):
            throw data.invalid("A file has either 'file_id' or 'file_data', not both.")
        }
    }

    private func audioPart(_ part: RequestNode) throws(Failure) -> JSON {
        try part.allow(["type", "input_audio"])
        let audio = try part.required("input_audio")
        try audio.allow(["data", "format"])
        let data = try audio.required("data")
        let text = try data.string()
        if let reference = files[text] { return try fileData(reference, at: data) }
        let format = try audio.required("format")
        let type: JSON
        switch try format.string() {
        case "wav": type = "audio/wav"
        case "mp3": type = "audio/mp3"
        default: throw format.invalid("The format of audio must be 'wav' or 'mp3'.")
        }
        guard !text.isEmpty else { throw data.invalid("The audio is empty.") }
        return ["inlineData": ["mimeType": type, "data": .string(text)]]
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
    private func fileData(_ reference: Reference, at node: RequestNode) throws(Failure) -> JSON {
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
