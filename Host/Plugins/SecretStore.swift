import Synchronization

/// The values of secrets by the names that a plugin uses for them, and who may use each.
final class SecretStore: Sendable {
    /// Who may name a secret.
    enum Scope: Sendable, Hashable {
        /// Every deployment of the plugin with this id.
        case plugin(String)
        /// The deployment with this id alone.
        case deployment(String)

        fileprivate var prefix: String {
            switch self {
            case .plugin(let id), .deployment(let id): id
            }
        }
    }

    private struct Entry {
        let value: String
        /// The deployment that may use it; nil for all.
        let deployment: String?
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// What is looked for in texts, the longest first: a secret may be a part of another.
        var patterns: [[UInt8]] = []

        mutating func learn(_ value: String) {
            // A key in PEM may turn up line by line; its first and last line are no secret.
            let lines = value.split(whereSeparator: \.isNewline).filter {
                $0.utf8.count >= 16 && !$0.hasPrefix("-----")
            }
            for text in [Substring(value)] + lines where text.utf8.count >= SecretStore.shortestMasked {
                let pattern = Array(text.utf8)
                if !patterns.contains(pattern) { patterns.append(pattern) }
            }
            patterns.sort { $0.count > $1.count }
        }
    }

    /// Shorter ones would be found in ordinary words.
    private static let shortestMasked = 6

    private let state = Mutex(State())

    /// Makes a store with the manifest's own secrets, which all deployments may use.
    init(_ manifestSecrets: [String: String]) {
        state.withLock { state in
            for (name, value) in manifestSecrets {
                state.entries[name] = Entry(value: value, deployment: nil)
                state.learn(value)
            }
        }
    }

    /// Keeps a secret and returns its name, which no secret of another scope has.
    func add(_ value: String, parameter: String, scope: Scope) -> String {
        let deployment: String? = if case .deployment(let id) = scope { id } else { nil }
        return state.withLock { state in
            var name = "\(scope.prefix)/\(parameter)"
            while let known = state.entries[name], known.deployment != deployment { name += "'" }
            state.entries[name] = Entry(value: value, deployment: deployment)
            state.learn(value)
            return name
        }
    }

    /// The value of a secret, if operations of this deployment may use it.
    func value(_ name: String, deployment: String) -> String? {
        guard let entry = state.withLock({ $0.entries[name] }) else { return nil }
        return entry.deployment == nil || entry.deployment == deployment ? entry.value : nil
    }

    /// The value of a signing key; the plugin knows only names that it was given.
    func signingKey(_ name: String) -> String? { state.withLock { $0.entries[name]?.value } }

    /// The text with every known secret masked, byte by byte: a combining mark behind a secret does not hide it.
    func masked(_ text: String) -> String {
        let patterns = state.withLock { $0.patterns }
        var bytes = Array(text.utf8)
        var isChanged = false
        for pattern in patterns {
            var start = 0
            while let found = Self.find(pattern, in: bytes[start...]) {
                bytes.replaceSubrange(found..<found + pattern.count, with: "[secret]".utf8)
                start = found + "[secret]".utf8.count
                isChanged = true
            }
        }
        return isChanged ? String(decoding: bytes, as: UTF8.self) : text
    }

    private static func find(_ pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = pattern.first else { return nil }
        var rest = bytes
        while let index = rest.firstIndex(of: first) {
            rest = rest[index...]
            if rest.starts(with: pattern) { return index }
            rest = rest.dropFirst()
        }
        return nil
    }
}
