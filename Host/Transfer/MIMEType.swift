import HostCore

/// The media type of an upload: what the client says, else what the file's name suggests.
package enum MIMEType {
    private static let unknown = "application/octet-stream"
    private static let maximumLength = 127

    private static let byExtension = [
        "aac": "audio/aac", "avif": "image/avif", "bmp": "image/bmp", "c": "text/x-c", "cpp": "text/x-c++",
        "css": "text/css", "csv": "text/csv", "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "flac": "audio/flac",
        "gif": "image/gif", "go": "text/x-golang", "heic": "image/heic", "htm": "text/html", "html": "text/html",
        "java": "text/x-java", "jpeg": "image/jpeg", "jpg": "image/jpeg", "js": "text/javascript",
        "json": "application/json", "jsonl": "application/jsonl", "m4a": "audio/mp4", "md": "text/markdown",
        "mkv": "video/x-matroska", "mov": "video/quicktime", "mp3": "audio/mpeg", "mp4": "video/mp4",
        "mpeg": "video/mpeg", "mpg": "video/mpeg", "ogg": "audio/ogg", "opus": "audio/ogg", "pdf": "application/pdf",
        "png": "image/png", "ppt": "application/vnd.ms-powerpoint",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation", "py": "text/x-python",
        "rb": "text/x-ruby", "rs": "text/x-rust", "rtf": "application/rtf", "sh": "text/x-sh", "svg": "image/svg+xml",
        "tar": "application/x-tar", "tif": "image/tiff", "tiff": "image/tiff", "ts": "text/x-typescript",
        "txt": "text/plain", "wav": "audio/wav", "webm": "video/webm", "webp": "image/webp",
        "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xml": "text/xml",
        "yaml": "application/yaml", "yml": "application/yaml", "zip": "application/zip",
    ]

    /// Chooses the type of a file.
    ///
    /// - Parameters:
    ///   - contentType: The part's `Content-Type`; `application/octet-stream` says as little as none.
    ///   - filename: Its extension decides if the type says nothing.
    /// - Returns: Type and subtype in lower case, without parameters.
    /// - Throws: ``RuleError`` with `.invalidRequest`, parameter `file`, for a malformed type.
    package static func choose(contentType: String?, filename: String) throws(RuleError) -> String {
        let given = try contentType.map { text throws(RuleError) in try essence(of: text) }
        if let given, given != unknown { return given }
        guard let dot = filename.lastIndex(of: ".") else { return unknown }
        return byExtension[filename[filename.index(after: dot)...].lowercased()] ?? unknown
    }

    // RFC 9110 §8.3.1: type "/" subtype, both tokens, then parameters, which do not matter here.
    private static func essence(of text: String) throws(RuleError) -> String {
        let essence = text.prefix { $0 != ";" }.trimmingSpaces
        let halves = essence.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, essence.utf8.count <= maximumLength,
            halves.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(\.isTokenCharacter) })
        else {
            throw RuleError(
                .invalidRequest,
                "The file's Content-Type is not of the form type/subtype in at most \(maximumLength) bytes.",
                parameter: "file"
            )
        }
        return essence.lowercased()
    }
}
