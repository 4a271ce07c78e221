import Crypto
import HostCore
import HostDatabase

/// Who may do what, and what exists where: users, keys, files and their copies at providers.
///
/// A file is only ever found on behalf of a principal. What is asked for with every request is kept in memory for 1.5
/// seconds at most: a key that was revoked, or a file that was deleted, on another host is refused here within 2 seconds,
/// and at once where it happened. While the database cannot be reached, what is in memory serves somewhat longer.
package struct Registry: Sendable {
    private static let cacheAge = Duration.milliseconds(1500)
    private static let keyCacheCapacity = 10_000
    private static let unknownKeyCacheCapacity = 1000
    private static let fileCacheCapacity = 20_000
    private static let modelCacheCapacity = 2000
    private static let unknownModelCacheCapacity = 1000

    /// 32 random bytes, made at the first start, that ids are authenticated with.
    package let idKey: [UInt8]
    let clock: any WallClock
    let masterKeyDigest: KeyDigest?
    let keys: AgedCache<KeyDigest, KnownKey>
    /// Apart from the known ones, so that made-up keys cannot push those out.
    let unknownKeys: AgedCache<KeyDigest, Bool>
    let cachedFileRecords: AgedCache<FileID, ManagedFile>
    /// By their names.
    let cachedModels: AgedCache<String, [TunedModel]>
    /// Apart from the known ones, as for keys.
    let unknownModels: AgedCache<String, Bool>
    let keyUsage = KeyUsage()
    let creationTimes = CreationTimes()
    /// This run of this host.
    let worker = WorkerID()
    let work = WorkLedger()
    let enlistedHost = EnlistedHost()
    let leaseRecord = LeaseRecord()
    let monotonicClock: any MonotonicClock
    let firstRetryInSeconds: Int64
    let database: any Database

    /// Brings the database's tables up to date and reads what is needed from them.
    ///
    /// - Parameters:
    ///   - database: Closed by whoever opened it, after the last use of the registry.
    ///   - clock: Stamps records, and says when they expire.
    ///   - monotonicClock: Ages what is kept in memory.
    ///   - masterKeyDigest: The digest of the configured master key, which is not stored; nil for none.
    ///   - staleAge: For how long after its reading a key or file is used while the database cannot be reached.
    ///   - firstRetry: When work at a provider that failed is tried again for the first time.
    /// - Throws: ``RegistryError`` with `.schemaTooNew` or `.storeUnavailable`.
    package init(
        database: any Database,
        clock: any WallClock = SystemWallClock(),
        monotonicClock: any MonotonicClock = SystemMonotonicClock(),
        masterKeyDigest: KeyDigest? = nil,
        staleAge: Duration = .seconds(60),
        firstRetry: Duration = .seconds(5)
    ) async throws(RegistryError) {
        self.database = database
        self.monotonicClock = monotonicClock
        firstRetryInSeconds = max(1, firstRetry.components.seconds)
        self.clock = clock
        self.masterKeyDigest = masterKeyDigest
        keys = AgedCache(
            capacity: Self.keyCacheCapacity,
            maximumAge: Self.cacheAge,
            maximumStaleAge: staleAge,
            clock: monotonicClock
        )
        unknownKeys = AgedCache(
            capacity: Self.unknownKeyCacheCapacity,
            maximumAge: Self.cacheAge,
            clock: monotonicClock
        )
        cachedFileRecords = AgedCache(
            capacity: Self.fileCacheCapacity,
            maximumAge: Self.cacheAge,
            maximumStaleAge: staleAge,
            clock: monotonicClock
        )
        cachedModels = AgedCache(
            capacity: Self.modelCacheCapacity,
            maximumAge: Self.cacheAge,
            maximumStaleAge: staleAge,
            clock: monotonicClock
        )
        unknownModels = AgedCache(
            capacity: Self.unknownModelCacheCapacity,
            maximumAge: Self.cacheAge,
            clock: monotonicClock
        )
        do {
            idKey = try await database.write { [dialect = database.dialect] connection in
                try Schema.migrate(connection, dialect: dialect)
                return try Self.idKey(in: connection)
            }
        } catch {
            throw RegistryError(caught: error, while: "preparing its tables")
        }
    }

    /// Writes and reads file ids with this registry's key.
    package func fileIDCodec(format: FileIDFormat) -> FileIDCodec {
        FileIDCodec(format: format, authenticate: authenticator())
    }

    /// What ids are authenticated with.
    func authenticator() -> @Sendable ([UInt8]) -> [UInt8] {
        // Taking up the key is half of the work for a short message: it is done once.
        let begun = HMAC<SHA256>(key: SymmetricKey(data: idKey))
        return { message in
            var code = begun
            code.update(data: message)
            return Array(code.finalize())
        }
    }

    /// Whether the database answers.
    package func health() async -> Bool {
        do {
            return try await database.read { try !$0.query("SELECT 1 AS one").isEmpty }
        } catch {
            return false
        }
    }

    private static func idKey(in connection: any DatabaseConnection) throws -> [UInt8] {
        let name = DatabaseValue.text("id_key")
        if let row = try connection.query("SELECT value FROM settings WHERE name = $1", [name]).first {
            let key = try row.blob("value")
            guard key.count == 32 else { throw RegistryError.unreadable("id key") }
            return key
        }
        let key = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        try connection.execute("INSERT INTO settings (name, value) VALUES ($1, $2)", [name, .blob(key)])
        return key
    }
}

extension Registry {
    /// The database's words.
    var dialect: SQLDialect { database.dialect }
    /// What makes a row stay as it was read.
    var rowLock: String { database.dialect.rowLock }

    /// Runs a reading transaction in which only the registry itself can fail.
    func inspect<Value: Sendable>(
        _ purpose: String,
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws(RegistryError) -> Value {
        do {
            return try await database.read(body)
        } catch {
            throw RegistryError(caught: error, while: purpose)
        }
    }

    /// Runs a writing transaction in which only the registry itself can fail.
    func change<Value: Sendable>(
        _ purpose: String,
        _ body: @escaping @Sendable (any DatabaseConnection) throws -> Value
    ) async throws(RegistryError) -> Value {
        do {
            return try await database.write(body)
        } catch {
            throw RegistryError(caught: error, while: purpose)
        }
    }
}
