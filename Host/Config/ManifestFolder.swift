/// Judges the files in the folder of manifests, each for itself: one that is wrong hurts no other.
struct ManifestFolder {
    /// A file of the folder.
    enum Entry {
        case file(ConfigurationLoader.File)
        case unreadable(String, ConfigurationError)
        case notManifest(String)
    }

    /// A file that was read.
    private enum Reading {
        case manifest(PluginManifest)
        case disabled(PluginCandidate)
        case refused(PluginCandidate, ConfigurationError)
        case notManifest
    }

    private(set) var directory = PluginDirectory()
    private(set) var reports: [ManifestReport] = []

    /// Judges files.
    ///
    /// - Parameters:
    ///   - entries: The folder's files in the order of their names.
    ///   - reader: Reads values.
    ///   - earlier: The manifests that were used until now: one that is refused now is used on, and where two want the
    ///     same the one that had it keeps it.
    init(_ entries: [Entry], reader: ValueReader, after earlier: [PluginManifest]) {
        let manifests = PluginManifestReader(reader: reader)
        let known = Dictionary(earlier.map { ($0.file, $0) }) { first, _ in first }
        var readings = entries.map { (file: $0.path, reading: Self.read($0, manifests)) }
        let order = readings.indices.sorted { left, right in
            let (isLeftKnown, isRightKnown) = (known[readings[left].file] != nil, known[readings[right].file] != nil)
            return isLeftKnown == isRightKnown ? left < right : isLeftKnown
        }
        var stays: Set<Int> = []
        for index in order {
            var refusal: ConfigurationError?
            if case .manifest(let manifest) = readings[index].reading {
                do throws(ConfigurationError) {
                    try directory.add(manifest)
                } catch {
                    readings[index].reading = .refused(PluginCandidate(manifest, refusedFor: error), error)
                }
            }
            if case .refused(_, let error) = readings[index].reading { refusal = error }
            guard refusal != nil, let earlier = known[readings[index].file] else { continue }
            do throws(ConfigurationError) {
                try directory.add(earlier)
                stays.insert(index)
            } catch {
                // Another has taken its place meanwhile; the refusal of the new one is what is reported.
                continue
            }
        }
        for (index, reading) in readings.enumerated() {
            reports.append(report(reading.file, reading.reading, earlierStays: stays.contains(index)))
        }
        directory.sort(by: readings.map(\.file))
    }

    private mutating func report(_ file: String, _ reading: Reading, earlierStays: Bool) -> ManifestReport {
        switch reading {
        case .manifest(let manifest): return ManifestReport(file: file, id: manifest.id, verdict: .accepted)
        case .notManifest: return ManifestReport(file: file, id: nil, verdict: .notManifest)
        case .disabled(let candidate):
            directory.add(candidate)
            return ManifestReport(file: file, id: candidate.readID, verdict: .disabled)
        case .refused(let candidate, let error):
            if !earlierStays { directory.add(candidate) }
            return ManifestReport(
                file: file,
                id: candidate.readID,
                verdict: .refused(error, earlierStays: earlierStays)
            )
        }
    }

    private static func read(_ entry: Entry, _ manifests: PluginManifestReader) -> Reading {
        switch entry {
        case .notManifest: return .notManifest
        case .unreadable(let path, let error): return read(ManifestFile(unreadable: path, error))
        case .file(let file): return read(ManifestFile(file, manifests))
        }
    }

    private static func read(_ file: ManifestFile) -> Reading {
        func candidate(_ use: PluginCandidate.Use) -> PluginCandidate {
            PluginCandidate(id: file.claims.id ?? "", providers: file.claims.providers, use: use)
        }
        guard file.isEnabled else {
            return .disabled(candidate(.leaveOut("its plugin is disabled in \(file.path.onOneLine(limit: 200))")))
        }
        switch file.manifest {
        case .success(let manifest): return .manifest(manifest)
        case .failure(let error): return .refused(candidate(.refused(error.description)), error)
        }
    }
}

extension ManifestFolder.Entry {
    /// The file's path.
    var path: String {
        switch self {
        case .file(let file): file.path
        case .unreadable(let path, _), .notManifest(let path): path
        }
    }
}

extension PluginCandidate {
    fileprivate init(_ manifest: PluginManifest, refusedFor error: ConfigurationError) {
        self.init(id: manifest.id, providers: manifest.providers, use: .refused(error.description))
    }

    fileprivate var readID: String? { id.isEmpty ? nil : id }
}
