/// What became of one file in the folder of manifests.
package struct ManifestReport: Sendable, Hashable {
    package enum Verdict: Sendable, Hashable {
        /// It is used.
        case accepted
        /// It says `enabled: false`.
        case disabled
        /// Its name is not that of a manifest.
        case notManifest
        /// It cannot be used; an earlier version of it may be used on.
        case refused(ConfigurationError, earlierStays: Bool)
    }

    /// The directory as the loader was given it, and the file's name.
    package let file: String
    /// As far as it can be read.
    package let id: String?
    package let verdict: Verdict

    /// Makes a report.
    package init(file: String, id: String?, verdict: Verdict) {
        self.file = file
        self.id = id
        self.verdict = verdict
    }

    /// Why it is refused.
    package var refusal: ConfigurationError? {
        if case .refused(let error, _) = verdict { error } else { nil }
    }
}
