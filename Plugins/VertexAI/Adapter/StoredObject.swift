import GantryPlugin

/// The name of an object in the deployment's bucket, under the deployment's prefix.
struct StoredObject: Equatable {
    let name: String
    /// `gs://bucket/name`: what the host keeps and Gemini reads.
    let id: String

    /// What Cloud Storage allows for a name, in bytes.
    private static let nameLimit = 1024
    private static let filenameLimit = 200

    /// Takes an id apart.
    ///
    /// Ids of other buckets and prefixes are refused: they are not this deployment's to touch.
    init(id: String, settings: StorageSettings) throws(Failure) {
        let own = settings.idPrefix
        let rest = id.utf8.dropFirst(own.utf8.count)
        guard id.hasPrefix(own), !rest.isEmpty, id.utf8.count <= own.utf8.count + Self.nameLimit else {
            throw Self.foreign
        }
        guard id.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw Self.foreign }
        for part in rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !part.isEmpty, !part.elementsEqual(".".utf8), !part.elementsEqual("..".utf8) else {
                throw Self.foreign
            }
        }
        self.id = id
        name = String(id.utf8.dropFirst("gs://\(settings.bucket)/".utf8.count)) ?? ""
        guard !name.isEmpty, name.utf8.count <= Self.nameLimit else { throw Self.foreign }
    }

    /// Names a new object by the unique name that the host chose and, to show what it is, the client's filename.
    init(unique: String, filename: String, settings: StorageSettings) throws(Failure) {
        guard Wire.isName(unique, others: "-_.", limit: 200), unique != ".", unique != ".." else {
            throw Failure(.internalError, "The host gave no usable name for the new object.")
        }
        name = "\(settings.prefix)/\(unique)/\(Self.sanitized(filename))"
        id = "gs://\(settings.bucket)/\(name)"
    }

    /// An object that a list has shown.
    init(listed name: String, settings: StorageSettings) throws(Failure) {
        try self.init(id: "gs://\(settings.bucket)/\(name)", settings: settings)
    }

    /// The object as a part of a URL's path.
    func path(in settings: StorageSettings) -> String {
        "/storage/v1/b/\(settings.bucket)/o/\(Wire.percentEncoded(name))"
    }

    /// A file's name without its folders, in characters that need no care anywhere; the end is kept, as it tells the
    /// type.
    static func sanitized(_ filename: String) -> String {
        let parts = Array(filename.utf8).split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
        var bytes: [UInt8] = []
        for byte in parts.last ?? [] {
            let isSafe = Wire.isAlphanumeric(byte) || "-_.".utf8.contains(byte)
            // One underscore stands for each run of others, so that a name in another script does not become a fence.
            if isSafe { bytes.append(byte) } else if bytes.last != UInt8(ascii: "_") { bytes.append(UInt8(ascii: "_")) }
        }
        let name = String(decoding: bytes.suffix(filenameLimit), as: UTF8.self)
        return name.isEmpty || name == "." || name == ".." ? "file" : name
    }

    private static let foreign = Failure(
        .invalid,
        "The id is not one of this deployment's Cloud Storage objects.",
        parameter: "id"
    )
}
