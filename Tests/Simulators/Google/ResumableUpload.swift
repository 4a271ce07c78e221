import HTTPTypes
import NIOCore

/// Requests on a resumable upload's session URI.
///
/// Source: https://cloud.google.com/storage/docs/performing-resumable-uploads, read 2026-11-22.
struct ResumableUpload {
    private static let granularity = 256 * 1024

    let storage: CloudStorage
    let clock: SimulatedClock

    func reply(to request: Incoming, session id: String) async throws -> Reply {
        guard request.method == .put || request.method == .delete else {
            throw GoogleError.storage(405, "methodNotAllowed", "A session takes PUT and DELETE.")
        }
        guard let session = storage.sessions.session(id) else {
            throw GoogleError.storage(404, "notFound", "The upload session was not found.")
        }
        if request.method == .delete { return try cancel(session) }
        if let object = session.object {
            try await request.drain()
            return .json(object.json(request.origin))
        }
        guard let value = request.headers[.contentRange] else {
            return try await store(request, in: session, first: 0, count: nil, total: nil)
        }
        switch ContentRange(value) {
        case .status(let total): return try await status(request, of: session, total: total)
        case .chunk(let first, let last, let total):
            return try await store(request, in: session, first: first, count: last - first + 1, total: total)
        case nil: throw Self.invalid("Failed to parse Content-Range header.")
        }
    }

    private func cancel(_ session: UploadSession) throws -> Reply {
        try storage.sessions.cancel(session)
        return Reply(status: 499)
    }

    private func status(_ request: Incoming, of session: UploadSession, total: Int?) async throws -> Reply {
        guard try await request.body(upTo: 1).readableBytes == 0 else {
            throw Self.invalid("A status query has no body.")
        }
        try Self.check(total, against: session)
        guard let total, session.receivedBytes == total, session.begin() else { return Self.incomplete(session) }
        return try finish(session, request)
    }

    /// Takes one chunk, or with a count of nil the whole object.
    private func store(
        _ request: Incoming,
        in session: UploadSession,
        first: Int,
        count: Int?,
        total: Int?
    ) async throws -> Reply {
        try Self.check(total, against: session)
        let length = request.headers[.contentLength].flatMap(Int.init)
        if let count, let length, count != length {
            throw Self.invalid("Content-Range names \(count) bytes, but Content-Length is \(length).")
        }
        let isLast = count.map { total == first + $0 } ?? true
        if let count, !isLast, count % Self.granularity != 0 {
            let message =
                "The number of bytes uploaded is required to be a multiple of 262144, except for the final "
                + "request. The received request contained \(count) bytes."
            throw Self.invalid(message)
        }
        guard session.begin() else {
            throw GoogleError.storage(503, "backendError", "The session is busy with another request.")
        }
        do {
            try await receive(request, in: session, first: first, count: count)
            if isLast { return try finish(session, request) }
            session.end()
            return Self.incomplete(session)
        } catch {
            session.writer.dropPartialBlock()
            session.end()
            throw error
        }
    }

    private func receive(_ request: Incoming, in session: UploadSession, first: Int, count: Int?) async throws {
        let stored = session.writer.storedBytes
        guard first <= stored else {
            let message =
                "According to the Content-Range header, the upload offset is \(first) byte(s), which exceeds "
                + "already uploaded size of \(stored) byte(s)."
            throw Self.invalid(message)
        }
        // What is there already is not written again.
        var skip = stored - first
        var received = 0
        while var piece = try await request.nextPiece() {
            received += piece.readableBytes
            guard received <= count ?? .max else { throw Self.invalid("The body is longer than its Content-Range.") }
            let known = min(skip, piece.readableBytes)
            piece.moveReaderIndex(forwardBy: known)
            skip -= known
            try session.writer.append(piece)
        }
        guard received == count ?? received else { throw Self.invalid("The body is shorter than its Content-Range.") }
    }

    /// Makes the object; the session has begun.
    private func finish(_ session: UploadSession, _ request: Incoming) throws -> Reply {
        let record = session.record
        if let announced = record.announcedBytes, announced != session.writer.bytes {
            session.writer.dropPartialBlock()
            session.end()
            throw Self.invalid(
                "X-Upload-Content-Length was \(announced), but the object has \(session.writer.bytes) bytes."
            )
        }
        let blob = try session.writer.finish()
        do {
            try ObjectDigests.check(blob, description: record.description, header: request.header("X-Goog-Hash"))
            let object = try storage.objects.insert(
                blob,
                in: record.bucket,
                of: record.account,
                as: record.description.withoutDigests,
                generationMatch: record.generationMatch,
                at: clock.unixMilliseconds
            )
            session.end(object: object)
            try storage.sessions.complete(session)
            return .json(object.json(request.origin))
        } catch {
            session.end()
            try storage.sessions.cancel(session)
            throw error
        }
    }

    private static func incomplete(_ session: UploadSession) -> Reply {
        var headers: HTTPFields = [:]
        headers.set("X-GUploader-UploadID", session.record.id)
        if session.receivedBytes > 0 { headers[.range] = "bytes=0-\(session.receivedBytes - 1)" }
        return Reply(status: 308, headers: headers)
    }

    private static func check(_ total: Int?, against session: UploadSession) throws {
        guard let total, let announced = session.record.announcedBytes, total != announced else { return }
        throw invalid("The total is \(total), but X-Upload-Content-Length was \(announced).")
    }

    private static func invalid(_ message: String) -> GoogleError {
        .storage(400, "badRequest", "Invalid request. \(message)")
    }
}
