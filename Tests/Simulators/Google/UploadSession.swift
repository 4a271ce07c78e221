import Foundation
import Synchronization

/// A resumable upload that has begun.
///
/// `@unchecked`: `writer` is touched only by whoever has got `true` from `begin()` and has not called `end()` yet; the
/// flag behind these two is in a lock, which orders one holder's writes before the next one's reads.
final class UploadSession: @unchecked Sendable {
    /// What a session that starts again must know.
    struct Record: Codable, Sendable {
        let id: String
        let bucket: String
        let account: String
        let description: StoredObject.Description
        let generationMatch: Int?
        /// What `X-Upload-Content-Length` said.
        let announcedBytes: Int?
        let createdAt: Int
        let blobID: String
    }

    private struct State {
        var isBusy = false
        var receivedBytes: Int
        var object: StoredObject?
    }

    let record: Record
    let writer: BlobWriter
    private let state: Mutex<State>

    init(record: Record, writer: BlobWriter) {
        self.record = record
        self.writer = writer
        state = Mutex(State(receivedBytes: writer.storedBytes))
    }

    /// Bytes that are safe; the next chunk begins here.
    var receivedBytes: Int { state.withLock { $0.receivedBytes } }

    /// The object, once the upload is complete.
    var object: StoredObject? { state.withLock { $0.object } }

    /// Claims the writer; false while another request has it.
    func begin() -> Bool {
        state.withLock { state in
            guard !state.isBusy else { return false }
            state.isBusy = true
            return true
        }
    }

    /// Gives the writer back; what it has in whole blocks, or the object made of it, is what counts from here on.
    func end(object: StoredObject? = nil) {
        let stored = writer.storedBytes
        state.withLock { state in
            state.isBusy = false
            state.receivedBytes = stored
            state.object = object
        }
    }

    /// The session as the simulator's state shows it.
    var json: JSON {
        [
            "id": .string(record.id), "bucket": .string(record.bucket), "name": .string(record.description.name),
            "account": .string(record.account), "received_bytes": .integer(receivedBytes),
        ]
    }
}

/// The upload sessions by their identifiers; each lasts a week.
final class UploadSessions: Sendable {
    private static let lifetimeInSeconds = 7 * 24 * 3600

    private let blobs: BlobStore
    private let clock: SimulatedClock
    private let records: RecordStore<UploadSession.Record>
    private let sessions: Mutex<[String: UploadSession]>

    init(directory: URL, blobs: BlobStore, clock: SimulatedClock) throws {
        self.blobs = blobs
        self.clock = clock
        records = try RecordStore(directory: directory.appending(path: "sessions"))
        var sessions: [String: UploadSession] = [:]
        for record in try records.all() {
            sessions[record.id] = UploadSession(record: record, writer: try blobs.writer(resuming: record.blobID))
        }
        self.sessions = Mutex(sessions)
    }

    func open(
        bucket: String,
        account: String,
        description: StoredObject.Description,
        generationMatch: Int?,
        announcedBytes: Int?
    ) throws -> UploadSession {
        let writer = try blobs.writer()
        let record = UploadSession.Record(
            id: "ABgVH8" + RandomName.alphanumeric(48),
            bucket: bucket,
            account: account,
            description: description,
            generationMatch: generationMatch,
            announcedBytes: announcedBytes,
            createdAt: clock.unixSeconds,
            blobID: writer.id
        )
        let session = UploadSession(record: record, writer: writer)
        try records.save(record, id: record.id)
        sessions.withLock { $0[record.id] = session }
        return session
    }

    /// The session of that identifier, nil when there is none or its week is over.
    func session(_ id: String) -> UploadSession? {
        let session = sessions.withLock { $0[id] }
        guard let session, session.record.createdAt + Self.lifetimeInSeconds > clock.unixSeconds else { return nil }
        return session
    }

    /// The upload is complete: the session is remembered, but is open no more.
    func complete(_ session: UploadSession) throws {
        try records.remove(id: session.record.id)
    }

    /// The upload is given up.
    func cancel(_ session: UploadSession) throws {
        sessions.withLock { $0[session.record.id] = nil }
        try records.remove(id: session.record.id)
        if session.object == nil { try blobs.remove(session.record.blobID) }
    }

    func reset() throws {
        for session in sessions.withLock({ Array($0.values) }) { try cancel(session) }
    }

    /// What `GET /_sim/state` shows: the sessions that are open.
    var json: JSON {
        let open = sessions.withLock { $0.values.filter { $0.object == nil } }
        return .array(open.sorted { $0.record.createdAt < $1.record.createdAt }.map(\.json))
    }
}
