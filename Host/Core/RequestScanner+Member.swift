extension RequestScanner {
    /// The member names that the scan knows; none may come twice in one object, since readers disagree on which one counts.
    enum Member: UInt8 {
        case arguments
        case audioURL
        case container
        case content
        case conversation
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
        case previousResponseID
        case responseFormat
        case schema
        case stream
        case streamOptions
        case text
        case tools
        case type
        case url
        case vectorStoreIDs
        case videoURL

        /// Finds a name among the known ones.
        init?(_ name: UnsafeRawBufferPointer) {
            let found = name.count < 9 ? Self.short(name) : Self.long(name)
            guard let found else { return nil }
            self = found
        }

        private static func short(_ name: UnsafeRawBufferPointer) -> Member? {
            switch name.count {
            case 3:
                if name.reads("url") { return .url }
            case 4:
                if name.reads("data") { return .data }
                if name.reads("file") { return .file }
                if name.reads("text") { return .text }
                if name.reads("type") { return .type }
            case 5:
                if name.reads("input") { return .input }
                if name.reads("model") { return .model }
                if name.reads("tools") { return .tools }
            case 6:
                if name.reads("format") { return .format }
                if name.reads("schema") { return .schema }
                if name.reads("stream") { return .stream }
            case 7:
                if name.reads("content") { return .content }
                if name.reads("file_id") { return .fileID }
            case 8:
                if name.reads("file_ids") { return .fileIDs }
                if name.reads("file_url") { return .fileURL }
                if name.reads("function") { return .function }
                if name.reads("messages") { return .messages }
                if name.reads("metadata") { return .metadata }
            default:
                break
            }
            return nil
        }

        private static func long(_ name: UnsafeRawBufferPointer) -> Member? {
            switch name.count {
            case 9:
                if name.reads("arguments") { return .arguments }
                if name.reads("audio_url") { return .audioURL }
                if name.reads("container") { return .container }
                if name.reads("file_data") { return .fileData }
                if name.reads("functions") { return .functions }
                if name.reads("image_url") { return .imageURL }
                if name.reads("video_url") { return .videoURL }
            case 10:
                if name.reads("parameters") { return .parameters }
            case 11:
                if name.reads("input_audio") { return .inputAudio }
                if name.reads("json_schema") { return .jsonSchema }
            case 12:
                if name.reads("conversation") { return .conversation }
                if name.reads("input_schema") { return .inputSchema }
            case 13:
                if name.reads("include_usage") { return .includeUsage }
            case 14:
                if name.reads("stream_options") { return .streamOptions }
            case 15:
                if name.reads("response_format") { return .responseFormat }
            case 16:
                if name.reads("vector_store_ids") { return .vectorStoreIDs }
            case 20:
                if name.reads("previous_response_id") { return .previousResponseID }
            default:
                break
            }
            return nil
        }
    }
}

extension JSONScanner {
    /// The known member of a name that this scanner has read.
    func member(named name: JSONString) -> RequestScanner.Member? {
        guard name.hasEscapes else { return RequestScanner.Member(undecodedBytes(of: name)) }
        // Longer than every known name, so that what is cut off cannot become one.
        return decodedBytes(of: name, limit: 32).withUnsafeBytes { RequestScanner.Member($0) }
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

extension UnsafeRawBufferPointer {
    /// Whether these bytes are an ASCII word, whose letters may be of either case.
    ///
    /// - Parameter word: In lower case.
    /// - Returns: Whether nothing else differs.
    @inlinable
    package func isWord(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        // Indices, not `zip`, whose iterator the compiler does not unfold: 1,600 instructions for `authorization`.
        for index in indices where self[index].lowercasedASCII != word.utf8Start[index] { return false }
        return true
    }
}

extension UInt8 {
    /// This byte, or the small letter if it is a capital ASCII letter.
    @inlinable
    package var lowercasedASCII: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}
