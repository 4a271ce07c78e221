import HostCore
import HostDatabase

/// How soon a provider is asked about an object again: the older it is, the later.
package struct PollPace: Hashable, Sendable {
    /// For an object that was made just now, in seconds.
    package let first: Int64
    /// For an object of any age, in seconds.
    package let longest: Int64
    /// A provider that has no such object is believed when it says so again after this many seconds.
    package let lostAfter: Int64
    /// A wait is this part of the object's age.
    static let partOfAge: Int64 = 12

    /// Makes a pace.
    package init(first: Int64 = 5, longest: Int64 = 600, lostAfter: Int64 = 86_400) {
        self.lostAfter = lostAfter
        self.first = max(1, first)
        self.longest = max(self.first, longest)
    }
}

extension Registry {
    /// For so long a host that settles an object has it for itself, unless it says that it goes on.
    package static let settlingLease: Duration = .seconds(120)

    /// Takes objects that are open, or left by a host that was settling them, and whose time has come.
    ///
    /// The same statement sets the time of each forward: until then no other host takes it, and whoever learns nothing new
    /// has nothing to write.
    ///
    /// - Parameters:
    ///   - kind: Batches or jobs.
    ///   - pace: How soon they are due again.
    ///   - limit: How many at most.
    /// - Returns: The objects, those first that were due first.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func takeDueObjects(
        _ kind: ManagedObjectKind,
        pace: PollPace,
        limit: Int
    ) async throws(RegistryError) -> [ManagedObject] {
        let now = clock.now()
        return try await change("taking objects that are due") { [self] connection in
            var sql = SQLText()
            let thisWorker = sql.bind(.text(self.worker.text))
            let moment = sql.bind(.integer(now.secondsSince1970))
            let lease = sql.bind(.integer(Self.settlingLease.components.seconds))
            let (first, longest) = (sql.bind(.integer(pace.first)), sql.bind(.integer(pace.longest)))
            let share = "((\(moment) - created_us / 1000000) / \(PollPace.partOfAge))"
            let statement = """
                UPDATE objects SET worker = CASE WHEN stage = 'settling' THEN \(thisWorker) ELSE worker END,
                    due_at = \(moment) + CASE WHEN stage = 'settling' THEN \(lease)
                    WHEN \(share) < \(first) THEN \(first) WHEN \(share) > \(longest) THEN \(longest) ELSE \(share) END
                WHERE id IN (
                    SELECT id FROM objects WHERE kind = \(sql.bind(.text(kind.rawValue))) AND due_at IS NOT NULL
                        AND \(isDueAgain(at: now, &sql)) AND stage IN ('open', 'settling')
                    ORDER BY due_at ASC LIMIT \(sql.bind(.integer(Int64(limit)))) \(dialect.freeRowLock)
                )
                RETURNING *
                """
            return try connection.query(statement, sql.arguments).map(ObjectRows.object)
        }
    }

    /// Whether an object's time has come; a time that no pause can have led to was written with a wrong clock.
    func isDueAgain(at now: UnixTime, _ sql: inout SQLText) -> String {
        let moment = sql.bind(.integer(now.secondsSince1970))
        let latest = sql.bind(.integer(now.advanced(bySeconds: 2 * Self.lastRetryInSeconds).secondsSince1970))
        return "(due_at <= \(moment) OR due_at > \(latest))"
    }

    /// Notes what a provider says of an open object.
    ///
    /// - Returns: The object as it is now; nil if it is not open any more.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    @discardableResult
    package func updateObject(_ id: ObjectID, _ report: ObjectReport) async throws(RegistryError) -> ManagedObject? {
        let now = clock.now()
        return try await change("noting an object's state") { connection in
            try connection.query(
                """
                UPDATE objects SET status = $1, document = $2, updated_at = $3, failures = 0, missing_since = NULL
                WHERE id = $4 AND stage = 'open' RETURNING *
                """,
                [.text(report.status), .text(report.document), .integer(now.secondsSince1970), id.stored]
            ).first.map(ObjectRows.object)
        }
    }

    /// Notes that a provider could not be asked about an object, which is due again after a while that grows with every
    /// failure.
    ///
    /// - Parameters:
    ///   - object: The object.
    ///   - pause: What the provider wants to be left alone for, at least.
    ///   - isMissing: Whether the provider said that it has no such object.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func postponeObject(
        _ object: ManagedObject,
        atLeast pause: Duration? = nil,
        isMissing: Bool = false
    ) async throws(RegistryError) {
        let now = clock.now()
        let due = retryTime(after: Int64(object.state.failures), at: now, atLeast: pause ?? .zero)
        let missing = isMissing ? object.state.missingSince ?? now : nil
        defer { work.end(object.id) }
        try await change("postponing an object") { connection in
            _ = try connection.execute(
                """
                UPDATE objects SET failures = failures + 1, due_at = $1, missing_since = $2,
                    worker = CASE WHEN stage = 'creating' THEN worker ELSE NULL END
                WHERE id = $3 AND stage <> 'settled'
                """,
                [due, DatabaseValue(missing?.secondsSince1970), object.id.stored]
            )
        }
    }

    /// Has an open object looked at by whichever host polls next.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func hastenObject(_ id: ObjectID) async throws(RegistryError) {
        let now = clock.now()
        try await change("hastening an object") { connection in
            _ = try connection.execute(
                "UPDATE objects SET due_at = $1 WHERE id = $2 AND stage = 'open' AND due_at > $1",
                [.integer(now.secondsSince1970), id.stored]
            )
        }
    }

    /// Takes an object whose provider has ended it, so that one host alone makes its results the owner's.
    ///
    /// - Returns: Whether this worker has it: false if another does it, or has done it.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func beginSettling(_ id: ObjectID) async throws(RegistryError) -> Bool {
        let now = clock.now()
        return try await change("settling an object") { [worker] connection in
            try connection.execute(
                """
                UPDATE objects SET stage = 'settling', worker = $1, due_at = $2, updated_at = $3, failures = 0,
                    missing_since = NULL
                WHERE id = $4 AND stage = 'open'
                """,
                [
                    .text(worker.text),
                    .integer(now.advanced(bySeconds: Self.settlingLease.components.seconds).secondsSince1970),
                    .integer(now.secondsSince1970), id.stored,
                ]
            ) == 1
        }
    }

    /// Says that this host still settles an object.
    ///
    /// - Returns: Whether it is this host's: false once another has taken it.
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    package func continueSettling(_ id: ObjectID) async throws(RegistryError) -> Bool {
        let until = clock.now().advanced(bySeconds: Self.settlingLease.components.seconds)
        return try await change("settling an object") { [worker] connection in
            try connection.execute(
                "UPDATE objects SET due_at = $1 WHERE id = $2 AND stage = 'settling' AND worker = $3",
                [.integer(until.secondsSince1970), id.stored, .text(worker.text)]
            ) == 1
        }
    }
}
