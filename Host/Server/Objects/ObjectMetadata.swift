import HostCore
import HostTransfer

/// The pairs that clients give batches and jobs, and what the gateway reads of them.
struct ObjectMetadata: Sendable {
    private static let mostPairs = 16
    private static let longestKey = 64
    private static let longestValue = 512

    /// Nil if the client gives none.
    let pairs: [String: String]?

    init(_ pairs: [String: String]?) { self.pairs = pairs }

    /// What clients are shown.
    var shown: ConfigurationValue { pairs.map { .map($0.mapValues { .string($0) }) } ?? .null }

    /// What providers are told: they need not know whom the gateway tells.
    var forProvider: [String: String]? { pairs?.filter { $0.key != WebhookRules.metadataKey } }

    /// The URL that is to be told about the end.
    var webhookURL: String? { pairs?[WebhookRules.metadataKey] }

    /// Checks how many pairs there are, and how long they are.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest` that names the member.
    func check() throws(RuleError) {
        guard let pairs else { return }
        guard pairs.count <= Self.mostPairs else {
            throw RuleError.invalid("metadata", "has \(pairs.count) pairs and may have \(Self.mostPairs)")
        }
        for (key, value) in pairs.sorted(by: { $0.key < $1.key }) {
            guard key.unicodeScalars.count <= Self.longestKey else {
                throw RuleError.invalid("metadata", "has a key of more than \(Self.longestKey) characters")
            }
            guard value.unicodeScalars.count <= Self.longestValue else {
                throw RuleError.invalid("metadata.\(key)", "has more than \(Self.longestValue) characters")
            }
        }
    }
}
