import HostCore

/// What the headers of one part say.
package struct MultipartPart: Hashable, Sendable {
    /// The name of the field.
    package let name: String
    /// The last component of the file's name; nil if the part is no file, empty if the client gave an empty name.
    package let filename: String?
    /// The part's own `Content-Type` as it was sent.
    package let contentType: String?

    /// Makes a description.
    package init(name: String, filename: String?, contentType: String?) {
        self.name = name
        self.filename = filename
        self.contentType = contentType
    }
}

/// Gathers the header lines of one part.
struct MultipartHeaders {
    private static let maximumNameLength = 256

    private(set) var count = 0
    private var disposition: String?
    private var contentType: String?
    private var transferEncoding: String?

    /// Reads one line, without its line end.
    mutating func add(_ line: UnsafeRawBufferPointer) throws(RuleError) {
        count += 1
        guard let first = line.first, first != 0x20, first != 0x09 else {
            throw Self.malformed("a header line is folded or empty")
        }
        guard let text = String(validating: line, as: UTF8.self) else { throw Self.malformed("a header is not UTF-8") }
        guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
            throw Self.malformed("a header has a control character")
        }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex,
            text[..<colon].utf8.allSatisfy(\.isTokenCharacter)
        else { throw Self.malformed("a header line has no name") }
        let value = String(text[text.index(after: colon)...].trimmingSpaces)
        switch text[..<colon].lowercased() {
        case "content-disposition": try Self.set(&disposition, value)
        case "content-type": try Self.set(&contentType, value)
        case "content-transfer-encoding": try Self.set(&transferEncoding, value)
        default: break
        }
    }

    /// What the lines say, when all have been read.
    func part() throws(RuleError) -> MultipartPart {
        if let transferEncoding, !["binary", "8bit", "7bit"].contains(transferEncoding.lowercased()) {
            throw Self.malformed("its Content-Transfer-Encoding is not binary; send the bytes as they are")
        }
        guard let disposition else { throw Self.malformed("it has no Content-Disposition") }
        let value = try MultipartParameters(disposition)
        guard value.main == "form-data", let name = value.value("name").map(Self.unescaped) else {
            throw Self.malformed("its Content-Disposition is not form-data with a name")
        }
        guard !name.isEmpty, name.utf8.count <= Self.maximumNameLength, !ClientFilename.hasControls(name) else {
            throw Self.malformed("its name is empty, longer than \(Self.maximumNameLength) bytes or has controls")
        }
        return MultipartPart(name: name, filename: try Self.filename(value), contentType: contentType)
    }

    // RFC 5987's filename* wins over filename, which may be a poor copy of it.
    private static func filename(_ value: MultipartParameters) throws(RuleError) -> String? {
        let given: String?
        if let extended = value.value("filename*") {
            guard let decoded = extendedValue(extended) else { throw malformed("its filename* is not UTF-8''…") }
            given = decoded
        } else {
            given = value.value("filename").map(unescaped)
        }
        guard let given else { return nil }
        guard !ClientFilename.hasControls(given) else {
            throw RuleError(.invalidRequest, "The file's name has a control character.", parameter: "file")
        }
        let last = ClientFilename.lastComponent(of: given)
        guard last.utf8.count <= ClientFilename.maximumLength else {
            throw malformed("the file's name is longer than \(ClientFilename.maximumLength) bytes")
        }
        return last
    }

    /// Resolves what browsers escape in a form's names (WHATWG HTML, multipart/form-data encoding): the quote and
    /// both line ends, nothing else.
    private static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            switch bytes[index...].prefix(3) {
            case [0x25, 0x32, 0x32]: result.append(UInt8(ascii: "\""))
            case [0x25, 0x30, 0x44]: result.append(0x0d)
            case [0x25, 0x30, 0x41]: result.append(0x0a)
            default:
                result.append(bytes[index])
                index += 1
                continue
            }
            index += 3
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Reads `UTF-8'language'percent-encoded`; nil for another character set or a malformed value.
    private static func extendedValue(_ text: String) -> String? {
        let pieces = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard pieces.count == 3, pieces[0].lowercased() == "utf-8" else { return nil }
        let bytes = Array(pieces[2].utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "%") else {
                result.append(bytes[index])
                index += 1
                continue
            }
            guard index + 2 < bytes.count, bytes[index + 1].isHexadecimalDigit, bytes[index + 2].isHexadecimalDigit,
                let value = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            else { return nil }
            result.append(value)
            index += 3
        }
        return String(validating: result, as: UTF8.self)
    }

    private static func set(_ header: inout String?, _ value: String) throws(RuleError) {
        guard header == nil else { throw malformed("a header comes twice") }
        header = value
    }

    private static func malformed(_ problem: String) -> RuleError {
        RuleError(.invalidRequest, "A part of the multipart body is malformed: \(problem).")
    }
}
