import HostCore
import Testing

struct FileAccessTests {
    struct Case: Sendable {
        let asker: Principal
        let owner: Owner
        let team: TeamID?
        let mayRead: Bool
        let mayDelete: Bool
    }

    private static let alice = Owner.user(UserID("alice"))
    private static let red = TeamID("red")

    static let cases = [
        // Two keys of one user share; another user does not.
        Case(asker: Samples.principal(user: "alice"), owner: alice, team: nil, mayRead: true, mayDelete: true),
        Case(
            asker: Samples.principal(key: "k2", user: "alice"),
            owner: alice,
            team: nil,
            mayRead: true,
            mayDelete: true
        ),
        Case(asker: Samples.principal(user: "bob"), owner: alice, team: nil, mayRead: false, mayDelete: false),
        // A team's members and service accounts share what was made under the team, and nothing else.
        Case(
            asker: Samples.principal(user: "bob", team: "red"),
            owner: alice,
            team: red,
            mayRead: true,
            mayDelete: true
        ),
        Case(asker: Samples.principal(team: "red"), owner: alice, team: red, mayRead: true, mayDelete: true),
        Case(asker: Samples.principal(team: "red"), owner: .team(red), team: red, mayRead: true, mayDelete: true),
        Case(
            asker: Samples.principal(user: "bob", team: "blue"),
            owner: alice,
            team: red,
            mayRead: false,
            mayDelete: false
        ),
        Case(
            asker: Samples.principal(user: "bob", team: "red"),
            owner: alice,
            team: nil,
            mayRead: false,
            mayDelete: false
        ),
        // A user keeps what it made before it left the team.
        Case(asker: Samples.principal(user: "alice"), owner: alice, team: red, mayRead: true, mayDelete: true),
        // Keys without user and team share nothing, whatever their names are.
        Case(
            asker: Samples.principal(key: "k1"),
            owner: .key(KeyID("k1")),
            team: nil,
            mayRead: true,
            mayDelete: true
        ),
        Case(
            asker: Samples.principal(key: "k2"),
            owner: .key(KeyID("k1")),
            team: nil,
            mayRead: false,
            mayDelete: false
        ),
        Case(
            asker: Samples.principal(key: "alice"),
            owner: alice,
            team: nil,
            mayRead: false,
            mayDelete: false
        ),
        Case(asker: Samples.principal(user: "red"), owner: .team(red), team: red, mayRead: false, mayDelete: false),
        // Admins do everything, viewers look.
        Case(asker: .master, owner: alice, team: red, mayRead: true, mayDelete: true),
        Case(
            asker: Samples.principal(user: "eve", role: .viewer),
            owner: alice,
            team: red,
            mayRead: true,
            mayDelete: false
        ),
        Case(
            asker: Samples.principal(user: "alice", role: .viewer),
            owner: alice,
            team: nil,
            mayRead: true,
            mayDelete: true
        ),
    ]

    @Test(arguments: cases)
    func accessFollowsTheMatrix(matrix: Case) {
        let file = Samples.file(owner: matrix.owner, team: matrix.team)

        #expect(matrix.asker.may(.read, file) == matrix.mayRead)
        #expect(matrix.asker.may(.delete, file) == matrix.mayDelete)
        #expect((refusal(.read, file, matrix.asker) == nil) == matrix.mayRead)
        #expect((refusal(.delete, file, matrix.asker) == nil) == matrix.mayDelete)
    }

    @Test(arguments: FileAction.allCases)
    func strangersAreToldWhoTheyAreAndNothingOfTheFile(action: FileAction) {
        let file = Samples.file(expiresAt: Samples.now.advanced(bySeconds: -1), status: .deleting)
        let error = refusal(action, file, Samples.principal(user: "bob"))

        #expect(error?.code == .fileAccessDenied)
        #expect(error?.message == "User bob does not have access to the file file-x")
    }

    @Test
    func anExpiredFileCanBeDeletedButNotRead() {
        let file = Samples.file(expiresAt: Samples.now)
        let owner = Samples.principal(user: "alice")

        #expect(refusal(.read, file, owner)?.code == .fileExpired)
        #expect(refusal(.read, file, owner)?.message.contains("1800000000") == true)
        #expect(refusal(.delete, file, owner) == nil)
    }

    @Test(arguments: [(FileStatus.uploading, false), (.deleting, true), (.expired, false)])
    func aFileThatIsNotReadyReadsAsMissingAndOnlyADeletionCanBeRepeated(status: FileStatus, mayDelete: Bool) {
        let file = Samples.file(status: status)
        let owner = Samples.principal(user: "alice")

        #expect(refusal(.read, file, owner) == .fileNotFound("file-x"))
        #expect(refusal(.delete, file, owner) == (mayDelete ? nil : .fileNotFound("file-x")))
    }

    @Test
    func whoIsAMemberOfAFilesTeamSharesIt() {
        let file = Samples.file(team: TeamID("red"))
        let member = Samples.principal(user: "bob", memberships: ["blue", "red"])
        let stranger = Samples.principal(user: "bob", memberships: ["blue"])

        #expect(FileAction.allCases.allSatisfy { member.may($0, file) })
        #expect(!FileAction.allCases.contains { stranger.may($0, file) })
        #expect(!FileAction.allCases.contains { member.may($0, Samples.file()) })
        #expect(member.sharedTeams == [TeamID("blue"), TeamID("red")])
    }

    @Test
    func theOwnerOfWhatIsMadeIsTheUserElseTheTeamElseTheKey() {
        #expect(Samples.principal(key: "k", user: "u", team: "t").owner == .user(UserID("u")))
        #expect(Samples.principal(key: "k", team: "t").owner == .team(TeamID("t")))
        #expect(Samples.principal(key: "k").owner == .key(KeyID("k")))
        #expect(Principal.master.owner == .user(Principal.masterUser))
    }

    @Test
    func aCopyIsUsableWhileItIsReadyNamedAndNotExpired() {
        let there = DeploymentID("d1")
        let later = Samples.now.advanced(bySeconds: 1)
        let copy = { (state: CopyState, id: String?, expiry: UnixTime?) in
            Samples.file(copies: [Samples.copy(at: there, id: id, state: state, expiresAt: expiry)])
        }

        #expect(copy(.ready, "p", nil).usableCopy(at: there, now: Samples.now) != nil)
        #expect(copy(.ready, "p", later).usableCopy(at: there, now: Samples.now) != nil)
        #expect(copy(.ready, "p", Samples.now).usableCopy(at: there, now: Samples.now) == nil)
        #expect(copy(.ready, nil, nil).usableCopy(at: there, now: Samples.now) == nil)
        #expect(copy(.ready, "p", nil).usableCopy(at: DeploymentID("d2"), now: Samples.now) == nil)
        for state in [CopyState.pending, .deleting, .failed, .expired] {
            #expect(copy(state, "p", nil).usableCopy(at: there, now: Samples.now) == nil)
        }
    }

    private func refusal(_ action: FileAction, _ file: ManagedFile, _ asker: Principal) -> RuleError? {
        do {
            try asker.check(action, file, clientID: "file-x", now: Samples.now)
            return nil
        } catch {
            return error
        }
    }
}
