import HostCore
import NIOCore

/// What an upload's form hands on while it is read.
package enum UploadEvent: Hashable, Sendable {
    /// The file's part has begun; ``UploadForm/fieldsSoFar`` holds what came before it.
    case fileBegan
    /// Some of the file's bytes, never empty.
    case fileBytes(ByteBuffer)
    case fileEnded
}

/// Reads the form of `POST /v1/files`: text fields in any order before and after one file.
///
/// A bad field is refused where it stands: one that precedes the file, before a byte of the file is handed on.
package struct UploadForm: Sendable {
    private enum Place {
        case betweenParts
        case field(MultipartField)
        case file
    }

    /// What has been read until now.
    package private(set) var fieldsSoFar = UploadFields()
    private var reader: MultipartReader
    private var place = Place.betweenParts

    /// Makes a form whose body has not begun.
    ///
    /// - Parameter contentType: The request's header; nil if there is none.
    /// - Throws: ``RuleError`` with `.invalidRequest` if it is no multipart form.
    package init(contentType: String?) throws(RuleError) {
        reader = MultipartReader(try MultipartBoundary(contentType: contentType))
    }

    /// Takes the next piece of the body.
    package mutating func append(_ chunk: ByteBuffer) { reader.append(chunk) }

    /// What comes next of the file; nil if more of the body is needed.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest` or `.tooLarge`.
    package mutating func next() throws(RuleError) -> UploadEvent? {
        while let event = try reader.next() {
            if let event = try handle(event) { return event }
        }
        return nil
    }

    /// How long the file that has just begun probably is; see ``MultipartReader/probableContentLength(bodyBytes:)``.
    package func probableFileLength(bodyBytes: Int64) -> Int64? { reader.probableContentLength(bodyBytes: bodyBytes) }

    /// Ends the body, after its last event.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest` if the body was cut short or a field is missing.
    package mutating func finish() throws(RuleError) -> UploadRequest {
        try reader.finish()
        return try fieldsSoFar.request()
    }

    private mutating func handle(_ event: MultipartEvent) throws(RuleError) -> UploadEvent? {
        switch (event, place) {
        case (.partBegan(let part), _):
            return try begin(part)
        case (.partBytes(let bytes), .file):
            return .fileBytes(bytes)
        case (.partBytes(let bytes), .field(var field)):
            try field.append(bytes)
            place = .field(field)
            return nil
        case (.partEnded, .file):
            place = .betweenParts
            return .fileEnded
        case (.partEnded, .field(let field)):
            place = .betweenParts
            try fieldsSoFar.set(field.name, to: field.text())
            return nil
        case (.partBytes, .betweenParts), (.partEnded, .betweenParts), (.finished, _):
            return nil
        }
    }

    private mutating func begin(_ part: MultipartPart) throws(RuleError) -> UploadEvent? {
        if part.name == "file" {
            try fieldsSoFar.set(file: part)
            place = .file
            return .fileBegan
        }
        guard part.filename == nil else {
            throw RuleError(
                .invalidRequest,
                "\(part.name) was sent as a file; the only file of an upload is named file.",
                parameter: part.name
            )
        }
        guard UploadFields.names.contains(part.name) else { throw UploadFields.unknown(part.name) }
        place = .field(MultipartField(name: part.name))
        return nil
    }
}
