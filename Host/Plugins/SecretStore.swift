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

    /// Which secret it is.
    private struct Key: Hashable {
        let scope: Scope
        let parameter: String
        let value: String
    }

    private struct Entry {
        let value: String
        /// The deployment that may use it; nil for all.
        let deployment: String?
        /// Nil for a secret that stays.
        var key: Key?
        /// How many leases it is in.
        var uses = 0
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var names: [Key: String] = [:]
        /// What is looked for in texts, the longest first: a secret may be a part of another.
        var patterns: [[UInt8]] = []
        var patternUses: [[UInt8]: Int] = [:]
        /// How many secrets have been dropped: from then on no name is given twice, since whoever kept one would take
        /// another value for it.
        var dropped = 0

        mutating func learn(_ value: String) {
            for pattern in Self.patterns(of: value) {
                patternUses[pattern, default: 0] += 1
                guard patternUses[pattern] == 1 else { continue }
                let place = patterns.firstIndex { $0.count < pattern.count } ?? patterns.endIndex
                patterns.insert(pattern, at: place)
            }
        }

        mutating func forget(_ value: String) {
            for pattern in Self.patterns(of: value) {
                guard let uses = patternUses[pattern] else { continue }
                patternUses[pattern] = uses > 1 ? uses - 1 : nil
                if uses == 1 { patterns.removeAll { $0 == pattern } }
            }
        }

        private static func patterns(of value: String) -> Set<[UInt8]> {
            // A key in PEM may turn up line by line; its first and last line are no secret.
            let lines = value.split(whereSeparator: \.isNewline).filter {
                $0.utf8.count >= 16 && !$0.hasPrefix("-----")
            }
            let texts = [Substring(value)] + lines
            return Set(texts.filter { $0.utf8.count >= SecretStore.shortestMasked }.map { Array($0.utf8) })
        }

        mutating func newName(for key: Key) -> String {
            let base = "\(key.scope.prefix)/\(key.parameter)"
            var name = dropped == 0 ? base : "\(base)'\(dropped)"
            while entries[name] != nil { name += "'" }
            return name
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

    /// Keeps a secret and returns its name, which no other secret has.
    ///
    /// - Parameters:
    ///   - value: The secret.
    ///   - parameter: Where it came from.
    ///   - scope: Who may use it.
    ///   - lease: Keeps it; without one it stays as long as the store.
    /// - Returns: The same name for the same secret as long as it is kept.
    func add(_ value: String, parameter: String, scope: Scope, lease: SecretLease? = nil) -> String {
        let deployment: String? = if case .deployment(let id) = scope { id } else { nil }
        let key = Key(scope: scope, parameter: parameter, value: value)
        let name = state.withLock { state in
            let known = state.names[key]
            let name = known ?? state.newName(for: key)
            if known == nil {
                state.names[key] = name
                state.entries[name] = Entry(value: value, deployment: deployment, key: key)
                state.learn(value)
            }
            state.entries[name]?.uses += 1
            return name
        }
        lease?.add(name)
        return name
    }

    /// Drops secrets that nobody else uses.
    fileprivate func release(_ names: [String]) {
        state.withLock { state in
            for name in names {
                guard var entry = state.entries[name], let key = entry.key else { continue }
                entry.uses -= 1
                state.entries[name] = entry.uses > 0 ? entry : nil
                guard entry.uses == 0 else { continue }
                state.names[key] = nil
                state.forget(entry.value)
                state.dropped += 1
            }
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

/// The secrets of one set of parameters: they are dropped with it.
final class SecretLease: Sendable {
    private let store: SecretStore
    private let names = Mutex<[String]>([])

    init(_ store: SecretStore) { self.store = store }

    deinit { store.release(names.withLock { $0 }) }

    fileprivate func add(_ name: String) { names.withLock { $0.append(name) } }
}
