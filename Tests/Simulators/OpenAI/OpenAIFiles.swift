import Foundation
import Synchronization

/// The files of all accounts; one past its expiry is gone.
final class OpenAIFiles: Sendable {
    let blobs: BlobStore

    private let records: RecordStore<OpenAIFile>
    private let clock: SimulatedClock
    private let files: Mutex<[String: OpenAIFile]>
    private let numbers: Mutex<Int>

    init(directory: URL, blobs: BlobStore, clock: SimulatedClock) throws {
        self.blobs = blobs
        self.clock = clock
        records = try RecordStore(directory: directory.appending(path: "files"))
        let all = try records.all()
        files = Mutex(Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) }))
        numbers = Mutex(all.map(\.number).max() ?? 0)
    }

    /// The number of the next file.
    func nextNumber() -> Int {
        numbers.withLock { number in
            number += 1
            return number
        }
    }

    func insert(_ file: OpenAIFile) throws {
        try records.save(file, id: file.id)
        files.withLock { $0[file.id] = file }
    }

    /// The file of that account, nil if it is foreign, missing or expired.
    func file(_ id: String, of account: String) throws -> OpenAIFile? {
        try removeExpired()
        let file = files.withLock { $0[id] }
        return file?.account == account ? file : nil
    }

    /// The files of an account, oldest first.
    func all(of account: String) throws -> [OpenAIFile] {
        try removeExpired()
        return sorted().filter { $0.account == account }
    }

    func remove(_ file: OpenAIFile) throws {
        files.withLock { $0[file.id] = nil }
        try records.remove(id: file.id)
        try blobs.remove(file.blob.id)
    }

    /// Removes every file of every account.
    func reset() throws {
        for file in sorted() { try remove(file) }
    }

    /// What `GET /_sim/state` shows.
    var state: JSON {
        let now = clock.unixSeconds
        return .array(sorted().filter { $0.expiresAt ?? .max > now }.map(\.state))
    }

    private func sorted() -> [OpenAIFile] {
        files.withLock { $0.values.sorted { $0.number < $1.number } }
    }

    private func removeExpired() throws {
        let now = clock.unixSeconds
        let expired = files.withLock { files in files.values.filter { $0.expiresAt ?? .max <= now } }
        for file in expired { try remove(file) }
    }
}
