import Foundation

/// Compares what a client says of an object's bytes with the bytes.
enum ObjectDigests {
    /// The members of an object's description that are digests.
    static let members = ["md5Hash", "crc32c"]

    /// Checks the digests of the description and of an `X-Goog-Hash` header.
    ///
    /// - Throws: ``GoogleError`` 400.
    static func check(_ blob: Blob, description: StoredObject.Description, header: String?) throws {
        try check(description.others["md5Hash"], is: blob.md5, "MD5 hash")
        try check(description.others["crc32c"], is: blob.crc32c, "CRC32C")
        for field in (header ?? "").split(separator: ",") {
            let parts = field.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2 else { continue }
            if parts[0] == "md5" { try check(parts[1], is: blob.md5, "MD5 hash") }
            if parts[0] == "crc32c" { try check(parts[1], is: blob.crc32c, "CRC32C") }
        }
    }

    private static func check(_ given: String?, is actual: String, _ name: String) throws {
        guard let given, given != actual else { return }
        let message = "Provided \(name) \"\(given)\" doesn't match calculated \(name) \"\(actual)\"."
        throw GoogleError.storage(400, "invalid", message)
    }
}

extension StoredObject.Description {
    /// The same without digests, which the object has of its own.
    var withoutDigests: Self {
        var result = self
        for member in ObjectDigests.members { result.others[member] = nil }
        return result
    }
}
