import GantryPlugin

/// The files of a request by the id the client used.
///
/// The host gives one for every id that stands where an id can.
struct FileReferences {
    private var byClientID: [String: Reference] = [:]

    init(_ references: [Reference]) {
        for reference in references where reference.kind == .file {
            byClientID[reference.clientID] = reference
        }
    }

    subscript(id: String) -> Reference? { byClientID.isEmpty ? nil : byClientID[id] }
}
