/// The enabled plugins by id and by provider.
struct PluginDirectory {
    private(set) var manifests: [PluginManifest] = []
    private var byID: [String: PluginManifest] = [:]
    private var byProvider: [String: PluginManifest] = [:]
    /// Manifests that cannot be used, or shall not.
    private var others: [PluginCandidate] = []

    /// Adds a manifest.
    ///
    /// - Throws: ``ConfigurationError`` with `.duplicate` if another has its id or serves one of its providers.
    mutating func add(_ manifest: PluginManifest) throws(ConfigurationError) {
        if let other = byID[manifest.id] {
            throw duplicate(manifest, "the id \(manifest.id) is also that of \(other.file.onOneLine(limit: 200))")
        }
        for provider in manifest.providers {
            guard let other = byProvider[provider] else { continue }
            let file = other.file.onOneLine(limit: 200)
            throw duplicate(manifest, "the provider \(provider) is also served by \(file)")
        }
        for provider in manifest.providers { byProvider[provider] = manifest }
        byID[manifest.id] = manifest
        manifests.append(manifest)
    }

    /// Adds a manifest that is refused or disabled, to know what it would have served.
    mutating func add(_ other: PluginCandidate) { others.append(other) }

    /// Puts the manifests into the order of these files.
    mutating func sort(by files: [String]) {
        let places = Dictionary(files.enumerated().map { ($1, $0) }) { first, _ in first }
        manifests.sort { places[$0.file, default: .max] < places[$1.file, default: .max] }
    }

    /// The plugin with an id; one that can be used before one that cannot.
    func candidate(id: String) -> PluginCandidate? {
        byID[id].map { PluginCandidate($0) } ?? others.first { $0.id == id }
    }

    /// The plugin that serves a provider; one that can be used before one that cannot.
    func candidate(provider: String) -> PluginCandidate? {
        byProvider[provider].map { PluginCandidate($0) } ?? others.first { $0.providers.contains(provider) }
    }

    /// A refused manifest of which nobody can say what it would have served.
    var unreadable: PluginCandidate? {
        others.first { other in
            guard case .refused = other.use else { return false }
            return other.id.isEmpty || other.providers.isEmpty
        }
    }

    /// Their ids, for a message.
    var ids: String { Self.listed(byID.keys.sorted()) }

    /// Their providers, for a message.
    var providers: String { Self.listed(byProvider.keys.sorted()) }

    private static func listed(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.joined(separator: ", ").onOneLine(limit: 400)
    }

    private func duplicate(_ manifest: PluginManifest, _ problem: String) -> ConfigurationError {
        ConfigurationError(.duplicate, at: manifest.location, "\(problem). Change one, or set enabled: false in it.")
    }
}

/// Who could serve a deployment.
struct PluginCandidate {
    /// What that means for the deployment.
    enum Use {
        case serve
        /// It answers that its plugin failed, and the log says this.
        case refused(String)
        /// There is no such deployment, because of this.
        case leaveOut(String)
    }

    /// Empty if it cannot be read.
    let id: String
    let providers: [String]
    let use: Use

    init(id: String, providers: [String], use: Use) {
        self.id = id
        self.providers = providers
        self.use = use
    }

    init(_ manifest: PluginManifest) {
        self.init(id: manifest.id, providers: manifest.providers, use: .serve)
    }

    /// The same under the name by which it is wanted.
    func serving(id wantedID: String?, provider: String?) -> PluginCandidate {
        PluginCandidate(
            id: wantedID ?? (id.isEmpty ? provider ?? "" : id),
            providers: provider.map { [$0] } ?? providers,
            use: use
        )
    }
}
