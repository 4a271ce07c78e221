import HostCore

/// When a key ends.
package enum KeyExpiry: Hashable, Sendable {
    case never
    case after(Duration)
    case at(UnixTime)

    func moment(from now: UnixTime) -> UnixTime? {
        switch self {
        case .never: nil
        case .after(let span): now.advanced(bySeconds: span.components.seconds)
        case .at(let moment): moment
        }
    }

    /// - Throws: ``RegistryError`` with `.invalid` for an end that is not ahead.
    func check(at now: UnixTime) throws(RegistryError) {
        if case .after(let span) = self, span < .seconds(1) {
            throw RegistryError(.invalid, "A key must live for at least a second.", parameter: "duration")
        }
        if case .at(let moment) = self, moment <= now {
            throw RegistryError(.invalid, "The key's end must lie ahead.", parameter: "expires")
        }
    }
}
