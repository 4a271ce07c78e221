import HostCore
import HostDatabase

/// How a key is named by those who administer keys.
package enum KeySelector: Hashable, Sendable {
    case id(KeyID)
    /// The digest of the key, made by whoever was given the key itself.
    case digest(KeyDigest)

    var column: String {
        switch self {
        case .id: "id"
        case .digest: "digest"
        }
    }

    var value: DatabaseValue {
        switch self {
        case .id(let id): .text(id.description)
        case .digest(let digest): .blob(digest.bytes)
        }
    }
}
