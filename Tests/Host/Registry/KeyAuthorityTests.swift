import HostCore
import HostDatabase
import HostRegistry
import Testing

/// A user makes and changes its own keys, and gains nothing by it.
struct KeyAuthorityTests {
    /// A user with one key and what that key may do to keys.
    private struct Hand {
        let user: UserID
        let key: CreatedKey
        let authority: KeyAuthority

        init(_ fixture: RegistryFixture, _ user: NewUser, _ key: NewKey = NewKey()) async throws {
            let made = try await fixture.registry.createUser(user, with: key)
            self.user = user.id
            self.key = made.key
            authority = try KeyAuthority(try await fixture.principal(of: made.key))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aUserMakesKeysForItself(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let hand = try await Hand(fixture, NewUser(id: UserID("u"), models: ["a", "b"]))

            let whole = try await fixture.registry.createKey(NewKey(userID: hand.user), by: hand.authority)
            let part = try await fixture.registry.createKey(
                NewKey(userID: hand.user, models: ["a"]),
                by: hand.authority
            )

            #expect(whole.record.userID == hand.user && whole.record.models.isEmpty)
            #expect(try await fixture.principal(of: whole).models == .only(["a", "b"]))
            #expect(try await fixture.principal(of: part).models == .only(["a"]))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aUserMakesNoKeyThatCanDoMoreThanTheOneInItsHand(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: UserID("other")))
            try await registry.createTeam(NewTeam(id: TeamID("foreign")))
            let hand = try await Hand(
                fixture,
                NewUser(id: UserID("u"), models: ["a", "b"]),
                NewKey(models: ["a"], expiry: .after(.seconds(100)))
            )
            let user = hand.user
            let forbidden = [
                NewKey(userID: UserID("other")), NewKey(userID: UserID("missing")), NewKey(),
                NewKey(userID: user, teamID: TeamID("foreign")), NewKey(userID: user, teamID: TeamID("missing")),
                NewKey(userID: user, allowsRawFileIDs: true), NewKey(userID: user, role: .admin),
                NewKey(userID: user, role: .viewer), NewKey(userID: user, expiry: .after(.seconds(101))),
            ]
            for new in forbidden {
                try await expectRefusal(.forbidden) { _ = try await registry.createKey(new, by: hand.authority) }
            }
            for models in [["b"], ["a", "b"], ["*"], ["all-proxy-models"], ["A"]] {
                try await expectRefusal(.modelsForbidden) {
                    _ = try await registry.createKey(NewKey(userID: user, models: models), by: hand.authority)
                }
            }

            let made = try await registry.createKey(NewKey(userID: user), by: hand.authority)

            #expect(try await fixture.principal(of: made).models == .only(["a"]))
            #expect(made.record.expiresAt == hand.key.record.expiresAt)
            #expect(try await registry.user(user).keys.count == 2)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatALimitedKeyMadeStaysLimitedWhenItsUserMayDoMore(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let hand = try await Hand(fixture, NewUser(id: UserID("u"), models: ["a"]), NewKey(models: ["a"]))
            let made = try await registry.createKey(NewKey(userID: hand.user), by: hand.authority)

            try await registry.updateUser(hand.user, UserChange(models: []))

            #expect(try await fixture.principal(of: made).models == .only(["a"]))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyThatMayUseNothingMakesNoKeyThatMayUseEverything(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let hand = try await Hand(fixture, NewUser(id: UserID("u"), models: ["a"]), NewKey(models: ["a"]))
            try await registry.updateUser(hand.user, UserChange(models: ["b"]))
            #expect(try await fixture.principal(of: hand.key).models == .only([]))

            for models in [[], ["a"], ["b"]] {
                try await expectRefusal(.modelsForbidden) {
                    _ = try await registry.createKey(NewKey(userID: hand.user, models: models), by: hand.authority)
                }
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aLesserKeyOfAnAdministratorMakesNoAdministrator(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let hand = try await Hand(fixture, NewUser(id: UserID("boss"), role: .admin), NewKey(role: .user))
            let whole = try await registry.createKey(NewKey(userID: hand.user))

            try await expectRefusal(.forbidden) {
                _ = try await registry.createKey(NewKey(userID: hand.user), by: hand.authority)
            }
            try await expectRefusal(.forbidden) {
                _ = try await registry.regenerateKey(.id(whole.record.id), by: hand.authority)
            }
            #expect(try await fixture.principal(of: whole).role == .admin)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aUserNeitherChangesNorProbesKeysOfOthers(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let hand = try await Hand(fixture, NewUser(id: UserID("u")))
            let other = try await Hand(fixture, NewUser(id: UserID("other")), NewKey(alias: "theirs"))
            let bare = try await registry.createKey(NewKey())
            let selectors: [KeySelector] = [
                .id(other.key.record.id), .digest(other.key.record.digest), .id(bare.record.id), .id(KeyID("missing")),
                .id(KeyID("master")), .digest(KeyDigest(of: RegistryFixture.masterKey)),
            ]
            for selector in selectors {
                try await expectRefusal(.forbidden) {
                    try await registry.updateKey(selector, KeyChange(userID: hand.user), by: hand.authority)
                }
                try await expectRefusal(.forbidden) {
                    _ = try await registry.regenerateKey(selector, by: hand.authority)
                }
                try await expectRefusal(.forbidden) {
                    try await registry.updateKey(selector, KeyChange(isBlocked: true), by: hand.authority)
                }
                try await expectRefusal(.forbidden) {
                    try await registry.deleteKeys([.id(hand.key.record.id), selector], by: hand.authority)
                }
            }
            try await expectRefusal(.forbidden) {
                try await registry.deleteKeys([], aliases: ["theirs"], by: hand.authority)
            }
            #expect(try await fixture.principal(of: hand.key).userID == hand.user)
            #expect(try await fixture.principal(of: other.key).userID == other.user)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aUserDoesNotWidenItsKeys(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: UserID("other")))
            try await registry.createTeam(NewTeam(id: TeamID("foreign")))
            let hand = try await Hand(
                fixture,
                NewUser(id: UserID("u"), models: ["a", "b"]),
                NewKey(models: ["a"], expiry: .after(.seconds(100)))
            )
            let own = KeySelector.id(hand.key.record.id)
            let forbidden = [
                KeyChange(userID: UserID("other")), KeyChange(teamID: TeamID("foreign")),
                KeyChange(allowsRawFileIDs: true), KeyChange(expiry: .never), KeyChange(expiry: .after(.seconds(101))),
                KeyChange(maximumBudget: 1_000_000),
            ]
            for change in forbidden {
                try await expectRefusal(.forbidden) { try await registry.updateKey(own, change, by: hand.authority) }
                try await expectRefusal(.forbidden) {
                    _ = try await registry.regenerateKey(own, change, by: hand.authority)
                }
            }
            for models in [[], ["b"], ["a", "b"]] {
                try await expectRefusal(.modelsForbidden) {
                    try await registry.updateKey(own, KeyChange(models: models), by: hand.authority)
                }
            }
            #expect(try await registry.keyRecord(for: own) == hand.key.record)

            let changed = try await registry.updateKey(
                own,
                KeyChange(alias: "mine", metadata: "{}"),
                by: hand.authority
            )
            #expect(changed.alias == "mine")
            let anew = try await registry.regenerateKey(own, by: hand.authority)
            #expect(try await fixture.principal(of: anew).models == .only(["a"]))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aLimitedKeyDoesNotTakeOverAWiderOneOfItsUser(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let hand = try await Hand(fixture, NewUser(id: UserID("u"), models: ["a", "b"]), NewKey(models: ["a"]))
            let wide = try await registry.createKey(NewKey(userID: hand.user))
            let raw = try await registry.createKey(NewKey(userID: hand.user, models: ["a"], allowsRawFileIDs: true))

            try await expectRefusal(.modelsForbidden) {
                _ = try await registry.regenerateKey(.id(wide.record.id), by: hand.authority)
            }
            try await expectRefusal(.forbidden) {
                _ = try await registry.regenerateKey(.id(raw.record.id), by: hand.authority)
            }
            #expect(try await fixture.principal(of: wide).models == .only(["a", "b"]))
            #expect(
                try await registry.deleteKeys([.id(wide.record.id)], by: hand.authority).ids == [wide.record.id]
            )
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aUserUnblocksOnlyWhatItBlockedItself(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let hand = try await Hand(fixture, NewUser(id: UserID("u")))
            let second = try await registry.createKey(NewKey(userID: hand.user))
            let selector = KeySelector.id(second.record.id)

            try await registry.updateKey(selector, KeyChange(isBlocked: true), by: hand.authority)
            #expect(try await registry.principal(forKey: second.text) == .blocked)
            try await registry.updateKey(selector, KeyChange(isBlocked: false), by: hand.authority)
            #expect(try await fixture.principal(of: second).userID == hand.user)

            let asleep = try await registry.createKey(NewKey(userID: hand.user, isBlocked: true), by: hand.authority)
            try await registry.updateKey(.id(asleep.record.id), KeyChange(isBlocked: false), by: hand.authority)
            #expect(try await fixture.principal(of: asleep).userID == hand.user)

            try await registry.updateKey(selector, KeyChange(isBlocked: true))
            try await registry.updateKey(selector, KeyChange(isBlocked: true), by: hand.authority)
            try await expectRefusal(.forbidden) {
                try await registry.updateKey(selector, KeyChange(isBlocked: false), by: hand.authority)
            }
            _ = try await registry.regenerateKey(selector, by: hand.authority)
            #expect(try await registry.keyRecord(for: selector).isBlocked)

            try await registry.updateKey(selector, KeyChange(isBlocked: false))
            try await registry.updateKey(selector, KeyChange(isBlocked: true), by: hand.authority)
            try await registry.updateKey(selector, KeyChange(isBlocked: true))
            try await expectRefusal(.forbidden) {
                try await registry.updateKey(selector, KeyChange(isBlocked: false), by: hand.authority)
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anAuthorityThatIsHeldInMemoryIsCheckedAgain(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let hand = try await Hand(fixture, NewUser(id: UserID("u")))
            let blocked = try await Hand(fixture, NewUser(id: UserID("v")))
            let promoted = try await Hand(fixture, NewUser(id: UserID("w")))
            try await registry.deleteKeys([.id(hand.key.record.id)])
            try await registry.updateKey(.id(blocked.key.record.id), KeyChange(isBlocked: true))
            try await registry.updateUser(promoted.user, UserChange(role: .viewer))

            for one in [hand, blocked, promoted] {
                try await expectRefusal(.forbidden) {
                    _ = try await registry.createKey(NewKey(userID: one.user), by: one.authority)
                }
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func viewersAndKeysWithoutAUserHaveNoAuthority(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: TeamID("t")))
            let viewer = try await registry.createUser(NewUser(id: UserID("v"), role: .viewer), with: NewKey())
            let service = try await registry.createKey(NewKey(teamID: TeamID("t")))
            let bare = try await registry.createKey(NewKey())

            for key in [viewer.key, service, bare] {
                let principal = try await fixture.principal(of: key)
                let error = #expect(throws: RegistryError.self) { try KeyAuthority(principal) }
                #expect(error?.code == .forbidden)
            }
            #expect(try KeyAuthority(.master) == .administrator)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anAdministratorWhoseKeyWasJustBlockedOrDemotedMakesNoMoreKeys(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let made = try await registry.createUser(NewUser(id: UserID("a"), role: .admin), with: NewKey())
            let authority = try KeyAuthority(try await fixture.principal(of: made.key))
            _ = try await registry.createKey(NewKey(), by: authority)

            try await registry.updateUser(UserID("a"), UserChange(role: .user))
            try await expectRefusal(.forbidden) { _ = try await registry.createKey(NewKey(), by: authority) }

            try await registry.updateUser(UserID("a"), UserChange(role: .admin))
            try await registry.updateKey(.id(made.key.record.id), KeyChange(isBlocked: true))
            try await expectRefusal(.forbidden) { _ = try await registry.createKey(NewKey(), by: authority) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aMemberMakesKeysOfItsTeamWithinTheTeamsModels(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            let team = TeamID("t")
            let hand = try await Hand(fixture, NewUser(id: UserID("u")))
            try await registry.createTeam(
                NewTeam(id: team, models: ["a"], members: [TeamMember(userID: hand.user, role: .admin)])
            )

            let made = try await registry.createKey(NewKey(userID: hand.user, teamID: team), by: hand.authority)
            #expect(try await fixture.principal(of: made).models == .only(["a"]))
            let narrow = try KeyAuthority(try await fixture.principal(of: made))
            let second = try await registry.createKey(NewKey(userID: hand.user), by: narrow)
            #expect(try await fixture.principal(of: second).models == .only(["a"]))

            try await expectRefusal(.invalid) {
                _ = try await registry.createKey(
                    NewKey(userID: hand.user, teamID: team, models: ["b"]),
                    by: hand.authority
                )
            }
            try await registry.removeMember(hand.user, from: team)
            try await expectRefusal(.forbidden) {
                _ = try await registry.createKey(NewKey(userID: hand.user, teamID: team), by: hand.authority)
            }
        }
    }
}
