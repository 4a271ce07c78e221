import Foundation

/// Stored bytes and their digests.
struct Blob: Codable, Sendable {
    let id: String
    let bytes: Int
    /// Lower-case hexadecimal.
    let sha256: String
    /// Base64, as Cloud Storage shows it.
    let md5: String
    /// Base64 of the big-endian CRC-32C.
    let crc32c: String
}

/// A directory of immutable files, one per blob.
struct BlobStore: Sendable {
    let directory: URL

    /// Opens the store, and makes its directory where it is missing.
    init(directory: URL) throws {
        self.directory = directory
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    /// Starts a new blob.
    func writer() throws -> BlobWriter {
        try BlobWriter(id: RandomName.hexadecimal(32), directory: directory)
    }

    /// Takes up a blob that was begun earlier: what stands in its file is read once more.
    func writer(resuming id: String) throws -> BlobWriter {
        try BlobWriter(resuming: id, directory: directory)
    }

    /// Opens a blob for reading; it can be read to its end even if it is removed meanwhile.
    func reader(of blob: Blob) throws -> BlobReader {
        try BlobReader(path: directory.appending(path: blob.id).path)
    }

    /// Removes a blob; one that is not there counts as removed.
    func remove(_ id: String) throws {
        let path = directory.appending(path: id).path
        guard unlink(path) == 0 || errno == ENOENT else { throw FileFailure("remove", path) }
    }
}

/// A call to the system failed.
struct FileFailure: Error, CustomStringConvertible {
    let description: String

    init(_ action: String, _ path: String) {
        description = "cannot \(action) \(path): \(String(cString: strerror(errno)))"
    }
}
