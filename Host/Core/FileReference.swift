/// One place in a request's body that names a managed file.
package struct FileReference: Hashable, Sendable {
    /// The whole JSON value with its quotes, in bytes of the body.
    package let range: Range<Int>
    package let id: FileID
    /// The id as the client wrote it.
    package let clientID: String
    /// Where it stands, in OpenAI's dotted form.
    package let path: String

    /// Makes a reference.
    package init(range: Range<Int>, id: FileID, clientID: String, path: String) {
        self.range = range
        self.id = id
        self.clientID = clientID
        self.path = path
    }

    /// Reads every place of a scanned body.
    ///
    /// A provider's own id is refused unless the key may use them; then it stays in the body as it is.
    ///
    /// - Throws: ``RuleError`` with `.rawFileID` or `.fileNotFound`; the parameter is the place's path.
    package static func read(
        _ places: [FilePlace],
        codec: FileIDCodec,
        for principal: Principal
    ) throws(RuleError) -> [FileReference] {
        var references: [FileReference] = []
        references.reserveCapacity(places.count)
        for place in places {
            switch codec.read(place.text) {
            case .managed(let id):
                references.append(
                    FileReference(range: place.range, id: id, clientID: place.text, path: place.path)
                )
            case .raw where principal.allowsRawFileIDs: continue
            case .raw: throw .rawFileID(at: place.path)
            // A file that only its container has, as answers cite it and clients send it back.
            case .unknown where place.text.hasPrefix("cfile_"): continue
            case .unknown: throw RuleError(.fileNotFound, "No such file: \(place.text)", parameter: place.path)
            }
        }
        return references
    }
}

extension RuleError {
    /// The error for a provider's own id where a managed one belongs.
    package static func rawFileID(at path: String) -> RuleError {
        RuleError(
            .rawFileID,
            "\(path) is a provider's own file id. Upload the file here with POST /v1/files and use the id you get.",
            parameter: path
        )
    }
}
