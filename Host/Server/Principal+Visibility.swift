import HostCore
import HostRegistry

/// What a principal sees of users, keys and teams: administrators and viewers everything, everybody else their own.
extension Principal {
    var seesEverybody: Bool { role == .admin || role == .viewer }

    func sees(_ user: UserID) -> Bool { seesEverybody || user == userID }

    func sees(_ team: TeamID) -> Bool { seesEverybody || sharedTeams.contains(team) }

    /// The key in hand, and the other keys of its user.
    func sees(_ key: KeyRecord) -> Bool {
        if seesEverybody || key.id == keyID { return true }
        guard let userID else { return false }
        return key.userID == userID
    }

    /// The refusal for what is foreign, and for what is missing: they cannot be told apart.
    func blind(to what: String, parameter: String) -> RuleError {
        RuleError(.adminOnly, "\(displayName) may not see other \(what).", parameter: parameter)
    }
}
