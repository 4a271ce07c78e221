import Foundation
import Synchronization

/// Something of one account that a simulated OpenAI keeps.
protocol OpenAIRecord: Codable, Sendable {
    var id: String { get }
    /// Grows with every record of its kind, to order those of one second.
    var number: Int { get }
    var account: String { get }
    /// What `GET /_sim/state` shows.
    var state: JSON { get }
}

/// The records of one kind, of all accounts; they survive a restart.
final class OpenAIRecords<Record: OpenAIRecord>: Sendable {
    private let store: RecordStore<Record>
    private let records: Mutex<[String: Record]>
    private let numbers: Mutex<Int>

    init(directory: URL) throws {
        store = try RecordStore(directory: directory)
        let all = try store.all()
        records = Mutex(Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) }))
        numbers = Mutex(all.map(\.number).max() ?? 0)
    }

    /// The number of the next record.
    func nextNumber() -> Int {
        numbers.withLock { number in
            number += 1
            return number
        }
    }

    /// Keeps a record, in the place of the one with its id.
    func save(_ record: Record) throws {
        try store.save(record, id: record.id)
        records.withLock { $0[record.id] = record }
    }

    /// The record of that id, whoever has it.
    func record(_ id: String) -> Record? { records.withLock { $0[id] } }

    /// The record of that account, nil if it is foreign or missing.
    func record(_ id: String, of account: String) -> Record? {
        record(id).flatMap { $0.account == account ? $0 : nil }
    }

    /// The records of an account, or of all, oldest first.
    func all(of account: String? = nil) -> [Record] {
        all { account == nil || $0.account == account }.sorted { $0.number < $1.number }
    }

    /// The records of which something is true, in no order.
    func all(where isMeant: (Record) -> Bool) -> [Record] { records.withLock { $0.values.filter(isMeant) } }

    func remove(_ record: Record) throws {
        records.withLock { $0[record.id] = nil }
        try store.remove(id: record.id)
    }

    /// Removes every record of every account.
    func reset() throws {
        for record in all() { try remove(record) }
    }

    /// What `GET /_sim/state` shows.
    var state: JSON { .array(all().map(\.state)) }
}
