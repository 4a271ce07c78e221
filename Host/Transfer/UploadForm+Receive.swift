import HostCore
import NIOCore

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
    ///   - writer: Where the file goes; finished on success, discarded on failure.
    ///   - fileBegins: Called before the file's first byte is stored, with the fields that precede it. Targets may
    ///     still be missing then; check the request's again.
    /// - Returns: The fields and the file.
    /// - Throws: ``RuleError``, ``SpoolError``, and what the body or the closure throws.
    package static func receive<Body: AsyncSequence>(
        _ body: Body,
        contentType: String?,
        into writer: SpoolWriter,
        fileBegins: (UploadFields) async throws -> Void
    ) async throws -> ReceivedUpload where Body.Element == ByteBuffer {
        do {
            var form = try UploadForm(contentType: contentType)
            for try await chunk in body {
                form.append(chunk)
                while let event = try form.next() {
                    switch event {
                    case .fileBegan: try await fileBegins(form.fieldsSoFar)
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
