import HostCore

/// Values that the suites of this folder share.
enum Samples {
    static let uuid = RecordUUID(high: 0x2a83_9b2a_7c25_4b55, low: 0xa51a_ef7a_89c7_6d35)
    static let uuidText = "2a839b2a-7c25-4b55-a51a-ef7a89c76d35"
    static let now = UnixTime(secondsSince1970: 1_800_000_000)

    static func file(
        owner: Owner = .user(UserID("alice")),
        team: TeamID? = nil,
        expiresAt: UnixTime? = nil,
        status: FileStatus = .ready,
        copies: [FileCopy] = []
    ) -> ManagedFile {
        ManagedFile(
            id: FileID(uuid: uuid),
            owner: owner,
            teamID: team,
            purpose: .userData,
            filename: "a.pdf",
            mimeType: "application/octet-stream",
            sizeInBytes: 3,
            sha256: "",
            createdAt: now,
            expiresAt: expiresAt,
            status: status,
            targetNames: ["gpt-4o-batch"],
            copies: copies
        )
    }

    static func copy(
        at deployment: DeploymentID,
        id: String? = "p",
        state: CopyState = .ready,
        expiresAt: UnixTime? = nil
    ) -> FileCopy {
        FileCopy(
            deployment: deployment,
            providerID: id,
            state: state,
            expiresAt: expiresAt,
            begunAt: now,
            updatedAt: now
        )
    }

    static func principal(
        key: String = "k1",
        user: String? = nil,
        team: String? = nil,
        memberships: [String] = [],
        role: Role = .user,
        models: ModelAllowance = .all
    ) -> Principal {
        Principal(
            keyID: KeyID(key),
            userID: user.map { UserID($0) },
            teamID: team.map { TeamID($0) },
            memberships: Set(memberships.map { TeamID($0) }),
            role: role,
            models: models
        )
    }

    static func deployment(
        _ id: String,
        _ modelName: String,
        _ configuredModel: String,
        weight: Int = 1
    ) -> Deployment {
        Deployment(
            id: DeploymentID(id),
            modelName: modelName,
            configuredModel: configuredModel,
            upstreamModel: configuredModel.split(separator: "/").last.map(String.init) ?? "",
            plugin: "openai",
            weight: weight,
            timeout: .seconds(60)
        )
    }

    /// A codec whose function is keyed and depends on every bit, which is all that the rules need of it.
    static func codec(_ format: FileIDFormat = .gantry, key: UInt64 = 7) -> FileIDCodec {
        FileIDCodec(format: format, authenticate: authenticator(key: key))
    }

    /// The same for objects.
    static func objectCodec(_ format: FileIDFormat = .gantry, key: UInt64 = 7) -> ObjectIDCodec {
        ObjectIDCodec(format: format, authenticate: authenticator(key: key))
    }

    private static func authenticator(key: UInt64) -> @Sendable ([UInt8]) -> [UInt8] {
        { bytes in
            var tag: [UInt8] = []
            for lane in 0..<2 as Range<UInt64> {
                var hash = 0xcbf2_9ce4_8422_2325 ^ (key &* 0x9e37_79b9_7f4a_7c15) ^ lane
                for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
                hash = (hash ^ hash >> 29) &* 0xbf58_476d_1ce4_e5b9
                hash ^= hash >> 32
                for shift in 0..<8 { tag.append(UInt8(truncatingIfNeeded: hash >> UInt64(8 * shift))) }
            }
            return tag
        }
    }
}

/// A generator that makes the same numbers for the same seed, so that a failing input can be made again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
