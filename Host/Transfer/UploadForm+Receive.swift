import HostCore
import NIOCore

/// What is known of an upload when its file begins.
package struct FileStart: Sendable {
    /// What precedes the file; more may follow it.
    package let fields: UploadFields
    /// What the file will have if nothing follows it; a guess, nil if the body's length is not known.
    package let probableBytes: Int64?
}

/// An upload that has come in entirely.
package struct ReceivedUpload: Sendable {
    package let request: UploadRequest
    package let file: SpooledFile
}

extension UploadForm {
    /// Receives a whole upload: the file goes to the spool, the fields are returned.
    ///
    /// - Parameters:
    ///   - body: The request's body; the next piece is asked for when the spool has taken the last one.
    ///   - contentType: The request's header; nil if there is none.
    ///   - bodyBytes: What the whole body has; nil if nobody has said so.
    ///   - writer: Where the file goes; finished on success, discarded on failure.
    ///   - fileBegins: Called before the file's first byte is stored. Targets may still be missing then; check the
    ///     request's again.
    /// - Returns: The fields and the file.
    /// - Throws: ``RuleError``, ``SpoolError``, and what the body or the closure throws.
    package static func receive<Body: AsyncSequence>(
        _ body: Body,
        contentType: String?,
        bodyBytes: Int64? = nil,
        into writer: SpoolWriter,
        fileBegins: (FileStart) async throws -> Void
    ) async throws -> ReceivedUpload where Body.Element == ByteBuffer {
        do {
            var form = try UploadForm(contentType: contentType)
            for try await chunk in body {
                form.append(chunk)
                while let event = try form.next() {
                    switch event {
                    case .fileBegan:
                        let length = bodyBytes.flatMap { form.probableFileLength(bodyBytes: $0) }
                        try await fileBegins(FileStart(fields: form.fieldsSoFar, probableBytes: length))
                    case .fileBytes(let bytes): try await writer.write(bytes)
                    case .fileEnded: continue
                    }
                }
            }
            let request = try form.finish()
            return ReceivedUpload(request: request, file: try await writer.finish())
        } catch {
            writer.discard()
            throw error
        }
    }
}
