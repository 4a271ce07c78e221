import HostCore
import HostDatabase
import HostRegistry
import Testing

struct KeyTests {
    @Test(arguments: DatabaseKind.allCases)
    func aKeyIsShownOnceAndOnlyItsDigestIsStored(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let key = try await fixture.registry.createKey(NewKey(alias: "ci"))

            #expect(key.text.hasPrefix("sk-"))
            #expect(key.text.utf8.count == 46)
            #expect(key.record.display == "sk-...\(key.text.suffix(4))")
            let rows = try await fixture.database.read { try $0.query("SELECT * FROM keys") }
            #expect(rows.count == 1)
            #expect(try rows[0].blob("digest") == KeyDigest(of: key.text).bytes)
            #expect(!"\(rows)".contains(key.text.dropFirst(3).prefix(20)))
        }
    }

    @Test
    func theDigestIsSHA256() throws {
        let digest = KeyDigest(of: "abc")
        let hexadecimal = digest.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()

        #expect(hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(KeyDigest(bytes: digest.bytes) == digest)
        #expect(digest.matches(digest))
        #expect(!digest.matches(KeyDigest(of: "abd")))
        #expect(KeyDigest(bytes: Array(digest.bytes.dropLast())) == nil)
    }

    @Test(arguments: DatabaseKind.allCases)
    func keysAreNeverTheSame(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            var texts: Set<String> = []
            for _ in 0..<100 { texts.insert(try await fixture.registry.createKey(NewKey()).text) }
            #expect(texts.count == 100)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func theMasterKeyIsTheAdminAndIsNotStored(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let keys = try await fixture.database.read { try $0.query("SELECT * FROM keys") }

            #expect(try await fixture.registry.principal(forKey: "sk-1234") == .principal(.master))
            #expect(fixture.registry.cachedPrincipal(for: KeyDigest(of: "sk-1234")) == .principal(.master))
            #expect(keys.isEmpty)
        }
    }

    @Test(
        arguments: ["", "sk-", "sk-12345", "sk-1234 ", "' OR 1=1 --", String(repeating: "k", count: 100_000)],
        DatabaseKind.allCases
    )
    func aTextThatIsNoKeyIsUnknown(text: String, kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            _ = try await fixture.registry.createKey(NewKey())
            #expect(try await fixture.registry.principal(forKey: text) == .unknown)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func anExpiredKeyIsExpiredToTheSecondEvenInMemory(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let key = try await fixture.registry.createKey(NewKey(expiry: .after(.seconds(1))))
            #expect(try await fixture.principal(of: key).keyID == key.record.id)

            fixture.clock.advance(by: .seconds(1))

            #expect(fixture.registry.cachedPrincipal(for: key.record.digest) == .expired)
            fixture.clock.advance(by: .seconds(10))
            #expect(try await fixture.registry.principal(forKey: key.text) == .expired)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aDeletedKeyStopsAtOnceHereAndWithinTwoSecondsElsewhere(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let key = try await fixture.registry.createKey(NewKey())
            let other = try await fixture.otherHost()
            _ = try await fixture.principal(of: key)
            _ = try await other.principal(forKey: key.text)

            #expect(try await fixture.registry.deleteKeys([.id(key.record.id)]).ids == [key.record.id])

            #expect(try await fixture.registry.principal(forKey: key.text) == .unknown)
            fixture.clock.advance(by: .seconds(2))
            #expect(other.cachedPrincipal(for: key.record.digest) == nil)
            #expect(try await other.principal(forKey: key.text) == .unknown)
            try await expectRefusal(.notFound) {
                try await fixture.registry.deleteKeys([.digest(key.record.digest)])
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aBlockedKeyIsBlockedUntilItIsUnblocked(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let key = try await fixture.registry.createKey(NewKey())
            _ = try await fixture.principal(of: key)

            try await fixture.registry.updateKey(.digest(key.record.digest), KeyChange(isBlocked: true))
            #expect(try await fixture.registry.principal(forKey: key.text) == .blocked)
            #expect(try await fixture.registry.keyRecord(for: .id(key.record.id)).isBlocked)

            try await fixture.registry.updateKey(.id(key.record.id), KeyChange(isBlocked: false))
            #expect(try await fixture.principal(of: key).keyID == key.record.id)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aRevocationIsNeverUndoneByALookupThatBeganBefore(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            for _ in 0..<50 {
                let key = try await registry.createKey(NewKey())
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask { _ = try? await registry.principal(forKey: key.text) }
                    }
                    group.addTask { _ = try? await registry.deleteKeys([.id(key.record.id)]) }
                    for _ in 0..<8 {
                        group.addTask { _ = try? await registry.principal(forKey: key.text) }
                    }
                }
                #expect(try await registry.principal(forKey: key.text) == .unknown)
            }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func madeUpKeysDoNotPushOutKnownOnes(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let key = try await fixture.registry.createKey(NewKey())
            _ = try await fixture.principal(of: key)

            for n in 0..<3000 { _ = try await fixture.registry.principal(forKey: "sk-\(n)") }

            #expect(fixture.registry.cachedPrincipal(for: key.record.digest) != nil)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyMayUseWhatItAndItsUserAndItsTeamMay(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createTeam(NewTeam(id: TeamID("team"), models: ["a", "b", "c"]))
            try await registry.createUser(NewUser(id: UserID("u"), models: ["a", "b", "x"]))
            let user = UserID("u")
            let team = TeamID("team")

            let inherited = try await registry.createKey(NewKey(userID: user, teamID: team))
            #expect(try await fixture.principal(of: inherited).models == .only(["a", "b"]))
            let narrow = try await registry.createKey(NewKey(userID: user, models: ["a"]))
            #expect(try await fixture.principal(of: narrow).models == .only(["a"]))
            let free = try await registry.createKey(NewKey())
            #expect(try await fixture.principal(of: free).models == .all)

            for models in [["c"], ["a", "c"], ["all-proxy-models"], ["*"]] {
                try await expectRefusal(.invalid) {
                    _ = try await registry.createKey(NewKey(userID: user, models: models))
                }
            }
            #expect(try await registry.user(user).keys.count == 2)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyHasItsUsersRoleUnlessItHasOneOfItsOwn(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await registry.createUser(NewUser(id: UserID("boss"), role: .admin))
            let inherited = try await registry.createKey(NewKey(userID: UserID("boss")))
            let lesser = try await registry.createKey(NewKey(userID: UserID("boss"), role: .user))
            let nobody = try await registry.createKey(NewKey(allowsRawFileIDs: true))

            #expect(try await fixture.principal(of: inherited).role == .admin)
            #expect(try await fixture.principal(of: lesser).role == .user)
            #expect(try await fixture.principal(of: nobody).role == .user)
            #expect(try await fixture.principal(of: nobody).allowsRawFileIDs)
            #expect(try await fixture.principal(of: nobody).owner == .key(nobody.record.id))
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeyOfNobodyIsRefused(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let registry = fixture.registry
            try await expectRefusal(.notFound) { _ = try await registry.createKey(NewKey(userID: UserID("x"))) }
            try await expectRefusal(.notFound) { _ = try await registry.createKey(NewKey(teamID: TeamID("x"))) }
            try await expectRefusal(.invalid) { _ = try await registry.createKey(NewKey(userID: Principal.masterUser)) }
            try await expectRefusal(.notFound) { _ = try await registry.keyRecord(for: .id(KeyID("x"))) }
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aKeysRecordComesBackAsItWasMade(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await fixture.registry.createTeam(NewTeam(id: TeamID("t")))
            let key = try await fixture.registry.createKey(
                NewKey(
                    alias: "Zoë's \"key\"",
                    teamID: TeamID("t"),
                    models: ["gpt-4o, really", "b\""],
                    role: .viewer,
                    metadata: #"{"a": [1, "x"]}"#,
                    allowsRawFileIDs: true,
                    expiry: .after(try LifetimeText.parse("7d")),
                    maximumBudget: 12.5
                )
            )

            let record = try await fixture.registry.keyRecord(for: .digest(KeyDigest(of: key.text)))

            #expect(record == key.record)
            #expect(record.alias == "Zoë's \"key\"")
            #expect(record.models == ["gpt-4o, really", "b\""])
            #expect(record.metadata == #"{"a": [1, "x"]}"#)
            #expect(record.expiresAt == UnixTime(secondsSince1970: SettableClock.start + 7 * 86_400))
            #expect(record.maximumBudget == 12.5)
            #expect(record.role == .viewer)
        }
    }

    @Test(arguments: [("30s", 30), ("5m", 300), ("2h", 7200), ("7d", 604_800), ("1w", 604_800), ("1mo", 2_592_000)])
    func aLifetimeIsANumberAndAUnit(text: String, seconds: Int64) throws {
        #expect(try LifetimeText.parse(text) == .seconds(seconds))
    }

    @Test(arguments: [
        "", "s", "5", "0s", "-5m", "+5m", "5 m", "5M", "1.5h", "5mm", "1y", "٣d", "101200d", "9223372036854775807w",
        "99999999999999999999s",
    ])
    func anyOtherLifetimeIsRefused(text: String) {
        let error = #expect(throws: RegistryError.self) { try LifetimeText.parse(text) }
        #expect(error?.code == .invalid)
        #expect(error?.parameter == "duration")
    }
}
