/// How long a file is and what is in it.
package struct FileContent: Hashable, Sendable {
    package let sizeInBytes: Int64
    /// Lower-case hexadecimal SHA-256; nil if not all of the file has come in, to be told when it is committed.
    package let sha256: String?

    /// Describes the content.
    package init(sizeInBytes: Int64, sha256: String?) {
        self.sizeInBytes = sizeInBytes
        self.sha256 = sha256
    }
}
