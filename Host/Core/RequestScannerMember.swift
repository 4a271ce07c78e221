/// The member names that the scan knows; none may come twice in one object, since readers disagree on which one counts.
enum RequestMember: UInt8 {
    case arguments
    case audioURL
    case content
    case data
    case file
    case fileData
    case fileID
    case fileIDs
    case fileURL
    case format
    case function
    case functions
    case imageURL
    case includeUsage
    case input
    case inputAudio
    case inputSchema
    case jsonSchema
    case messages
    case metadata
    case model
    case parameters
    case responseFormat
    case schema
    case stream
    case streamOptions
    case text
    case tools
    case type
    case url
    case videoURL

    /// Finds a name among the known ones.
    init?(_ name: UnsafeRawBufferPointer) {
        let found = name.count < 9 ? Self.short(name) : Self.long(name)
        guard let found else { return nil }
        self = found
    }

    private static func short(_ name: UnsafeRawBufferPointer) -> RequestMember? {
        switch name.count {
        case 3:
            name.reads("url") ? .url : nil
        case 4:
            name.reads("data")
                ? .data
                : name.reads("file")
                    ? .file
                    : name.reads("text")
                        ? .text
                        : name.reads("type")
                            ? .type
                            : nil
        case 5:
            name.reads("input")
                ? .input
                : name.reads("model")
                    ? .model
                    : name.reads("tools")
                        ? .tools
                        : nil
        case 6:
            name.reads("format")
                ? .format
                : name.reads("schema")
                    ? .schema
                    : name.reads("stream")
                        ? .stream
                        : nil
        case 7:
            name.reads("content")
                ? .content
                : name.reads("file_id")
                    ? .fileID
                    : nil
        case 8:
            name.reads("file_ids")
                ? .fileIDs
                : name.reads("file_url")
                    ? .fileURL
                    : name.reads("function")
                        ? .function
                        : name.reads("messages")
                            ? .messages
                            : name.reads("metadata")
                                ? .metadata
                                : nil
        default:
            nil
        }
    }

    private static func long(_ name: UnsafeRawBufferPointer) -> RequestMember? {
        switch name.count {
        case 9:
            name.reads("arguments")
                ? .arguments
                : name.reads("audio_url")
                    ? .audioURL
                    : name.reads("file_data")
                        ? .fileData
                        : name.reads("functions")
                            ? .functions
                            : name.reads("image_url")
                                ? .imageURL
                                : name.reads("video_url")
                                    ? .videoURL
                                    : nil
        case 10:
            name.reads("parameters") ? .parameters : nil
        case 11:
            name.reads("input_audio")
                ? .inputAudio
                : name.reads("json_schema")
                    ? .jsonSchema
                    : nil
        case 12:
            name.reads("input_schema") ? .inputSchema : nil
        case 13:
            name.reads("include_usage") ? .includeUsage : nil
        case 14:
            name.reads("stream_options") ? .streamOptions : nil
        case 15:
            name.reads("response_format") ? .responseFormat : nil
        default:
            nil
        }
    }
}

extension JSONScanner {
    /// The known member of a name that this scanner has read.
    func member(named name: JSONString) -> RequestMember? {
        guard name.hasEscapes else { return RequestMember(undecodedBytes(of: name)) }
        // Longer than every known name, so that what is cut off cannot become one.
        return decodedBytes(of: name, limit: 32).withUnsafeBytes { RequestMember($0) }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes are exactly that text.
    @inline(__always)
    func reads(_ text: StaticString) -> Bool { count == text.utf8CodeUnitCount && starts(with: text) }

    /// Whether these bytes start with that text.
    @inline(__always)
    func starts(with text: StaticString) -> Bool {
        guard let baseAddress, count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount {
            guard baseAddress.load(fromByteOffset: index, as: UInt8.self) == text.utf8Start[index] else { return false }
        }
        return true
    }

    /// Whether these bytes start with that text, which has lower-case letters only, in whatever case.
    func startsIgnoringCase(with text: StaticString) -> Bool {
        guard let baseAddress, count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount {
            let byte = baseAddress.load(fromByteOffset: index, as: UInt8.self)
            guard byte.lowercasedASCII == text.utf8Start[index] else { return false }
        }
        return true
    }
}

extension UInt8 {
    /// This byte, or the small letter if it is a capital ASCII letter.
    var lowercasedASCII: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}
