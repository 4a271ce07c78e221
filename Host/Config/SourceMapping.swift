/// A mapping of a YAML file, its keys in the file's order.
struct SourceMapping: Sendable {
    let location: SourceLocation
    let entries: [SourceEntry]

    /// The value of a key; nil if the key is absent or has nothing after it.
    subscript(key: String) -> SourceValue? {
        entries.first { $0.key == key && !$0.value.isNull }?.value
    }

    /// The value of a key that must be there.
    func required(_ key: String, _ advice: String) throws(ConfigurationError) -> SourceValue {
        if let value = self[key] { return value }
        throw ConfigurationError(.missingKey, at: location, "\(key) is missing. \(advice)")
    }

    /// Refuses keys that are not in a list, naming the one that was probably meant.
    func refuseKeys(except known: [String]) throws(ConfigurationError) {
        for entry in entries where !known.contains(entry.key) { throw Self.unknownKey(entry, known: known) }
    }

    /// The error for a key that is not in a list.
    static func unknownKey(_ entry: SourceEntry, known: [String]) -> ConfigurationError {
        ConfigurationError(.unknownKey, at: entry.value.location, "unknown key. \(advice(on: entry.key, known: known))")
    }

    private static func advice(on key: String, known: [String]) -> String {
        let name = String(key.prefix { $0 != ":" })
        if name != key, known.contains(name) { return "Put a blank after the colon of \(name)." }
        if let nearest = KeySuggestion.nearest(to: key, among: known) { return "Did you mean \(nearest)?" }
        return "The keys here are \(known.joined(separator: ", "))."
    }
}
