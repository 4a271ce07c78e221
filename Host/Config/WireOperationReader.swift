import HostCore

/// Reads `operations` of a manifest with `wire`.
struct WireOperationReader {
    let reader: ValueReader

    /// What the provider has; at least one operation, each with what it needs.
    func operations(_ value: SourceValue) throws(ConfigurationError) -> Set<ProviderOperation> {
        var operations: Set<ProviderOperation> = []
        for item in try reader.list(value, limit: ProviderOperation.words.count) {
            let word = try reader.string(item)
            let named = ProviderOperation.named(word)
            guard !named.isEmpty else { throw unknown(try reader.resolved(item), word) }
            guard operations.isDisjoint(with: named) else {
                throw ConfigurationError(.duplicate, at: item.location, "this operation stands twice. Remove one.")
            }
            operations.formUnion(named)
        }
        guard !operations.isEmpty else {
            throw ConfigurationError(.missingKey, at: value.location, "the list is empty. Add what the provider has.")
        }
        for operation in operations.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let missing = operation.needed.first(where: { !operations.contains($0) }) else { continue }
            throw ConfigurationError(
                .missingKey,
                at: value.location,
                "\(operation.rawValue) is of no use without \(missing.rawValue). Add that, or remove this."
            )
        }
        return operations
    }

    private func unknown(_ item: SourceValue, _ word: String) -> ConfigurationError {
        let areas = ProviderOperation.words.filter { !$0.contains(".") }.joined(separator: ", ")
        let nearest = KeySuggestion.nearest(to: word, among: ProviderOperation.words)
        return ConfigurationError(
            .badValue,
            at: item.location,
            "\(item.shown) is no operation. "
                + (nearest.map { "Did you mean \($0)?" } ?? "There are \(areas), and parts such as files.create.")
        )
    }
}
