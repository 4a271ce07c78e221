import HostCore

/// `metadata[key]=value` in the query of a list: which pairs an object has to have.
struct MetadataFilter: Sendable {
    private let pairs: [String: String]

    /// Reads a query.
    init(_ query: QueryParameters) {
        var pairs: [String: String] = [:]
        for (name, value) in query.pairs {
            if let key = Self.key(in: name) { pairs[key] = value }
        }
        self.pairs = pairs
    }

    /// Whether every object fits.
    var isEmpty: Bool { pairs.isEmpty }

    /// The key in a parameter's name; nil for another parameter.
    static func key(in name: String) -> String? {
        guard name.hasPrefix("metadata["), name.hasSuffix("]") else { return nil }
        return String(name.dropFirst("metadata[".count).dropLast())
    }

    /// Whether an object has all of the pairs.
    func fits(_ document: ObjectDocument) -> Bool {
        if isEmpty { return true }
        guard case .map(let metadata) = document["metadata"] else { return false }
        return pairs.allSatisfy { metadata[$0.key] == .string($0.value) }
    }
}
