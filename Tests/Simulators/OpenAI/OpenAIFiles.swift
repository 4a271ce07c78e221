import Foundation
import NIOCore

/// The files of all accounts; one past its expiry is gone.
final class OpenAIFiles: Sendable {
    let blobs: BlobStore

    private let records: OpenAIRecords<OpenAIFile>
    private let clock: SimulatedClock

    init(directory: URL, blobs: BlobStore, clock: SimulatedClock) throws {
        self.blobs = blobs
        self.clock = clock
        records = try OpenAIRecords(directory: directory.appending(path: "files"))
    }

    /// The number of the next file.
    func nextNumber() -> Int { records.nextNumber() }

    func insert(_ file: OpenAIFile) throws { try records.save(file) }

    /// Keeps a file that the provider itself has made.
    ///
    /// - Parameters:
    ///   - blob: Its bytes.
    ///   - filename: Its name.
    ///   - purpose: `batch_output` or `fine-tune-results`.
    ///   - account: Whose it is.
    ///   - lifetime: Seconds until it is gone, nil for ever.
    /// - Returns: The file's id.
    /// - Throws: What writing it down throws.
    func insert(
        _ blob: Blob,
        filename: String,
        purpose: String,
        account: String,
        lifetime: Int?
    ) throws -> String {
        let now = clock.unixSeconds
        let file = OpenAIFile(
            id: "file-" + RandomName.alphanumeric(22),
            number: nextNumber(),
            account: account,
            filename: filename,
            purpose: purpose,
            mimeType: "application/octet-stream",
            createdAt: now,
            expiresAt: lifetime.map { now + $0 },
            blob: blob
        )
        try insert(file)
        return file.id
    }

    /// The file of that account, nil if it is foreign, missing or expired.
    func file(_ id: String, of account: String) throws -> OpenAIFile? {
        try removeExpired()
        return records.record(id, of: account)
    }

    /// The files of an account, oldest first.
    func all(of account: String) throws -> [OpenAIFile] {
        try removeExpired()
        return records.all(of: account)
    }

    func remove(_ file: OpenAIFile) throws {
        try records.remove(file)
        try blobs.remove(file.blob.id)
    }

    /// Removes every file of every account.
    func reset() throws {
        for file in records.all() { try remove(file) }
    }

    /// What `GET /_sim/state` shows.
    var state: JSON {
        let now = clock.unixSeconds
        return .array(records.all().filter { $0.expiresAt ?? .max > now }.map(\.state))
    }

    private func removeExpired() throws {
        let now = clock.unixSeconds
        for file in records.all(where: { $0.expiresAt ?? .max <= now }) { try remove(file) }
    }
}
