/// Types of media by file name extension, and data URLs.
enum MediaType {
    /// The type of a file by the end of its name or of its URL's path.
    ///
    /// - Returns: nil if the ending is not known.
    static func guess(fromName name: String) -> String? {
        var path = name[...]
        // In a URL the query and the fragment say nothing; in `gs://` and plain names both signs are ordinary.
        if name.hasPrefix("http") { path = path.prefix { $0 != "?" && $0 != "#" } }
        let last = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        guard let dot = last.lastIndex(of: ".") else { return nil }
        return byExtension[last[last.index(after: dot)...].lowercased()]
    }

    /// What Gemini documents as readable, under the usual endings.
    ///
    /// Source: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference, read 2026-11-22.
    private static let byExtension: [String: String] = [
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
        "heic": "image/heic", "heif": "image/heif", "bmp": "image/bmp", "pdf": "application/pdf",
        "txt": "text/plain", "md": "text/markdown", "html": "text/html", "htm": "text/html", "css": "text/css",
        "csv": "text/csv", "xml": "text/xml", "rtf": "text/rtf", "json": "application/json",
        "js": "text/javascript", "py": "text/x-python", "mp3": "audio/mp3", "wav": "audio/wav",
        "ogg": "audio/ogg", "flac": "audio/flac", "aac": "audio/aac", "m4a": "audio/m4a", "opus": "audio/opus",
        "aiff": "audio/aiff", "mp4": "video/mp4", "mpeg": "video/mpeg", "mpg": "video/mpg", "mov": "video/mov",
        "avi": "video/avi", "webm": "video/webm", "wmv": "video/wmv", "flv": "video/x-flv", "3gp": "video/3gpp",
    ]

    /// The type and the base64 text of `data:TYPE[;parameters];base64,TEXT`; nil if it is not such a URL.
    static func splitDataURL(_ url: String) -> (type: String, data: String)? {
        let bytes = url.utf8
        guard bytes.count > 5, url.prefix(5).lowercased() == "data:" else { return nil }
        let start = bytes.index(bytes.startIndex, offsetBy: 5)
        // A header of more than this is not one; the search must not run over megabytes of text.
        guard let comma = bytes[start...].prefix(256).firstIndex(of: UInt8(ascii: ",")) else { return nil }
        let fields = url[start..<comma].split(separator: ";", omittingEmptySubsequences: false)
        guard fields.count >= 2, fields.last?.lowercased() == "base64" else { return nil }
        let type = fields[0].lowercased()
        guard isMediaType(type) else { return nil }
        let data = String(url[bytes.index(after: comma)...])
        return data.isEmpty ? nil : (type, data)
    }

    /// `type/subtype` of RFC 9110 §8.3.1, without parameters.
    static func isMediaType(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        return parts.allSatisfy { part in
            !part.isEmpty && part.count <= 127
                && part.allSatisfy { Wire.isAlphanumeric($0) || "!#$&-^_.+".utf8.contains($0) }
        }
    }
}
