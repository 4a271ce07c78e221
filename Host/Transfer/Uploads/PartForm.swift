import HostCore
import NIOCore

/// The form of `POST /v1/uploads/{id}/parts`: one part named `data`, and nothing else.
package enum PartForm {
    /// What the content is called in the form.
    package static let field = "data"

    /// Receives a whole form: the content goes to the spool.
    ///
    /// - Parameters:
    ///   - body: The request's body; the next piece is asked for when the spool has taken the last one.
    ///   - contentType: The request's header; nil if there is none.
    ///   - writer: Where the content goes; finished on success, discarded on failure.
    /// - Returns: The content.
    /// - Throws: ``RuleError``, ``SpoolError``, and what the body throws.
    package static func receive<Body: AsyncSequence>(
        _ body: Body,
        contentType: String?,
        into writer: SpoolWriter
    ) async throws -> SpooledFile where Body.Element == ByteBuffer {
        do {
            var reader = MultipartReader(try MultipartBoundary(contentType: contentType))
            var isHere = false
            for try await chunk in body {
                reader.append(chunk)
                while let event = try reader.next() {
                    switch event {
                    case .partBegan(let part):
                        guard part.name == field, !isHere else { throw refusal(of: part) }
                        isHere = true
                    case .partBytes(let bytes): try await writer.write(bytes)
                    case .partEnded, .finished: continue
                    }
                }
            }
            try reader.finish()
            guard isHere else { throw missing }
            let file = try await writer.finish()
            guard file.sizeInBytes > 0 else { throw empty }
            return file
        } catch {
            writer.discard()
            throw error
        }
    }

    private static func refusal(of part: MultipartPart) -> RuleError {
        guard part.name == field else {
            return RuleError(.invalidRequest, "There is no field \(part.name) in a part.", parameter: part.name)
        }
        return RuleError(.invalidRequest, "There is more than one data. Send one in a request.", parameter: field)
    }

    private static let missing = RuleError(
        .invalidRequest,
        "data is missing: the content of the part.",
        parameter: field
    )
    private static let empty = RuleError(.invalidRequest, "data is empty.", parameter: field)
}
