import HostCore

extension ValueReader {
    /// The items of a list that is not too long.
    func list(_ value: SourceValue, limit: Int) throws(ConfigurationError) -> [SourceValue] {
        let items = try list(value)
        if items.count <= limit { return items }
        throw ConfigurationError(.tooLarge, at: value.location, "has more than \(limit) items. Remove some.")
    }

    /// A list of hosts and patterns of hosts.
    func hosts(_ value: SourceValue, limit: Int) throws(ConfigurationError) -> [HostPattern] {
        var hosts: [HostPattern] = []
        for item in try list(value, limit: limit) {
            let text = try string(item)
            do {
                hosts.append(try HostPattern(parsing: text))
            } catch {
                let isPrivate = try resolved(item).variable != nil
                let message = isPrivate ? "the variable's value is not a host. Correct it." : error.message
                throw ConfigurationError(error.code, at: item.location, message)
            }
        }
        return hosts
    }

    /// The hash of a library or manifest, in lower-case digits.
    func digest(_ value: SourceValue) throws(ConfigurationError) -> String {
        let text = try string(value)
        guard text.utf8.count == 64, text.utf8.allSatisfy(\.isHexadecimalDigit) else {
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "must be the 64 hexadecimal digits that sha256sum prints for the file."
            )
        }
        return text.lowercased()
    }
}
