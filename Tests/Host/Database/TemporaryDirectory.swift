import Foundation
import HostDatabase

/// A directory that exists for the length of a body.
enum TemporaryDirectory {
    static func with<Value: Sendable>(_ body: (String) async throws -> Value) async throws -> Value {
        let path = FileManager.default.temporaryDirectory.path + "/gantry-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(path))
        } catch {
            result = .failure(error)
        }
        try FileManager.default.removeItem(atPath: path)
        return try result.get()
    }

    /// Opens a database in a directory of its own and closes it.
    static func withDatabase(_ body: (SQLiteDatabase) async throws -> Void) async throws {
        try await with { directory in
            let database = try await SQLiteDatabase.open(at: directory + "/test.db")
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(database))
            } catch {
                result = .failure(error)
            }
            await database.close()
            try result.get()
        }
    }
}
