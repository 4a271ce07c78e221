/// How long a file is and what is in it, known once all of it has been received.
package struct FileContent: Hashable, Sendable {
    package let sizeInBytes: Int64
    /// Lower-case hexadecimal SHA-256.
    package let sha256: String

    /// Describes the content.
    package init(sizeInBytes: Int64, sha256: String) {
        self.sizeInBytes = sizeInBytes
        self.sha256 = sha256
    }
}
