import GantryPlugin

extension ChatRequestTranslator {
    func userParts(_ content: RequestNode) throws(Failure) -> [JSON] {
        try media.parts(content, types: "text, image_url, file or input_audio") { type, part throws(Failure) in
            switch type {
            case "text": try media.text(part)
            case "image_url": try imagePart(part)
            case "file": try filePart(part)
            case "input_audio": try audioPart(part)
            default: nil
            }
        }
    }

    private func imagePart(_ part: RequestNode) throws(Failure) -> JSON {
        try part.allow(["type", "image_url"])
        let image = try part.required("image_url")
        try image.allow(["url", "detail"])
        try media.checkDetail(of: image)
        return try media.address(try image.required("url"))
    }

    private func filePart(_ part: RequestNode) throws(Failure) -> JSON {
        try part.allow(["type", "file"])
        let file = try part.required("file")
        // The file's name is a label: the model is given the bytes and their type.
        try file.allow(["file_id", "file_data", "filename"])
        _ = try file.optional("filename")?.string()
        return try media.file(file, sources: ["file_id", "file_data"])
    }

    private func audioPart(_ part: RequestNode) throws(Failure) -> JSON {
        try part.allow(["type", "input_audio"])
        let audio = try part.required("input_audio")
        try audio.allow(["data", "format"])
        let data = try audio.required("data")
        let text = try data.string()
        if let reference = media.files[text] { return try media.fileData(reference, at: data) }
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
}
