import GantryPlugin

/// Writes an object whose length shows at its end: as one resumable upload, holding one piece of it.
///
/// Nothing is at Cloud Storage before there is a byte to write. Whoever makes one ends it by ``finish()`` or
/// ``abandon()``.
final class ObjectWriter {
    /// A multiple of 256 KiB, as every piece but the last has to be.
    static let pieceSize = 8 << 20

    let object: StoredObject
    private let storage: CloudStorage
    private let new: NewObject
    private var upload = ResumableUpload()
    private var session: String?
    private var isRemembered = false
    private var pending: [UInt8] = []
    /// Where the pending bytes stand in the object.
    private var start: UInt64 = 0

    /// Makes a writer; `replaces` says that an object of that name is an earlier attempt at the same.
    init(_ object: StoredObject, storage: CloudStorage, type: String, purpose: String, replaces: Bool = false) {
        self.object = object
        self.storage = storage
        var metadata = JSONObject()
        metadata["purpose"] = .string(purpose)
        new = NewObject(object: object, type: type, metadata: metadata, size: nil, replaces: replaces)
    }

    /// How many bytes have been written.
    var size: UInt64 { start + UInt64(pending.count) }

    /// Adds bytes, and sends what makes a piece.
    nonisolated(nonsending) func append(_ bytes: [UInt8]) async throws(Failure) {
        pending.append(contentsOf: bytes)
        // Something is always kept back: the last request has a byte to send, and says that it is the last.
        while pending.count > Self.pieceSize {
            guard try await send(Self.pieceSize, isLast: false) == nil else {
                throw Failure(.upstreamProtocol, "Cloud Storage ended an upload before its end.", isRetryable: true)
            }
        }
    }

    /// Sends the rest.
    ///
    /// - Returns: `{"id", "bytes"}`; nil if nothing was written, and then there is no object.
    nonisolated(nonsending) func finish() async throws(Failure) -> JSON? {
        let size = size
        guard size > 0 else { return nil }
        try CloudStorage.check(try await send(pending.count, isLast: true), has: size)
        return ["id": .string(object.id), "bytes": .integer(Int64(clamping: size))]
    }

    /// Takes back what there is of the object; what cannot be deleted stays remembered.
    nonisolated(nonsending) func abandon() async {
        if let session { await storage.cancel(session) }
        if isRemembered { await storage.undo(object) }
    }

    private nonisolated(nonsending) func send(_ count: Int, isLast: Bool) async throws(Failure) -> [UInt8]? {
        let session = try await openedSession()
        var upload = upload
        upload.provide(upTo: start + UInt64(count), isLast: isLast)
        let description = try await storage.send(&upload, type: new.type, to: session) { [self] range in
            [.bytes(Array(pending[Int(range.lowerBound - start)..<Int(range.upperBound - start)]))]
        }
        self.upload = upload
        pending.removeFirst(count)
        start += UInt64(count)
        return description
    }

    private nonisolated(nonsending) func openedSession() async throws(Failure) -> String {
        if let session { return session }
        // Before the session: from then on a crash could leave an object that nobody knows.
        try storage.operation.remember(id: object.id)
        do throws(Failure) {
            let opened = try await storage.begin(new)
            session = opened
            isRemembered = true
            return opened
        } catch {
            // No byte was sent. Another object of that name is not ours to delete, unless it is an earlier attempt.
            if new.replaces {
                isRemembered = true
            } else if error.reason != .cancelled {
                try storage.operation.forget(id: object.id)
            }
            throw error
        }
    }
}
