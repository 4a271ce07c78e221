import Foundation

/// Small records, one JSON file each, so that a simulator that starts again finds its state.
struct RecordStore<Record: Codable & Sendable>: Sendable {
    private let directory: URL

    /// Opens the store, and makes its directory where it is missing.
    init(directory: URL) throws {
        self.directory = directory
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    /// Every record, in no order.
    func all() throws -> [Record] {
        try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }
            .map { try JSONDecoder().decode(Record.self, from: Data(contentsOf: $0)) }
    }

    /// Writes a record, replacing the one of that identifier.
    func save(_ record: Record, id: String) throws {
        try JSONEncoder().encode(record).write(to: file(id), options: .atomic)
    }

    /// Removes a record; one that is not there counts as removed.
    func remove(id: String) throws {
        let path = file(id).path
        guard unlink(path) == 0 || errno == ENOENT else { throw FileFailure("remove", path) }
    }

    private func file(_ id: String) -> URL {
        directory.appending(path: "\(id).json")
    }
}
