import GantryPlugin

/// Reads the members of an instance's configuration.
enum ConfigurationMembers {
    /// Refuses members that nobody would read.
    static func refuse(_ members: JSONObject, except known: [String], of what: String) throws(Failure) {
        guard let unknown = members.names.first(where: { !known.contains($0) }) else { return }
        throw wrong(unknown, "is not known in \(what); remove it. Known are: \(known.joined(separator: ", "))")
    }

    /// A list of texts; empty if it is not there.
    static func texts(_ name: String, in members: JSONObject) throws(Failure) -> [String] {
        guard let value = members[name] else { return [] }
        guard let elements = value.array else { throw wrong(name, "must be a list of texts") }
        var texts: [String] = []
        for element in elements {
            guard let text = element.string else { throw wrong(name, "must be a list of texts") }
            texts.append(text)
        }
        return texts
    }

    /// An object of texts; empty if it is not there.
    static func map(_ name: String, in members: JSONObject) throws(Failure) -> [String: String] {
        guard let value = members[name] else { return [:] }
        guard let entries = value.object else { throw wrong(name, "must be an object of texts") }
        var map: [String: String] = [:]
        for entry in entries.members {
            guard let text = entry.value.string else { throw wrong(name, "must be an object of texts") }
            map[entry.name] = text
        }
        return map
    }

    /// The failure for a member.
    static func wrong(_ name: String, _ problem: String) -> Failure {
        Failure(.invalid, "`\(name)` \(problem).", parameter: name)
    }
}
