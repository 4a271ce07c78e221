import HostCore
import HostRegistry
import Logging

/// Keeps the objects of every kind as their providers have them: asks about those that are due, and removes those that
/// are not wanted.
///
/// Any number of hosts may do so: an object that is due is taken by one of them.
package final class ObjectKeeper: Sendable {
    private static let takenAtOnce = 64
    private static let claimedAtOnce = 16
    private static let longestTick: Duration = .seconds(1)
    /// So long a client waits for a provider's answer before it gets what is known.
    private static let longestWait: Duration = .seconds(10)

    private let registry: Registry
    private let cares: [any ObjectCare]
    private let pace: PollPace
    private let sweepInterval: Duration
    private let logger: Logger
    private let questions = ObjectQuestions()
    private let bell = Bell()

    /// Makes a keeper.
    ///
    /// - Parameters:
    ///   - registry: Where it is written what there is.
    ///   - cares: One for each kind of object that is kept.
    ///   - pace: How soon an object is asked about again.
    ///   - sweepInterval: Between two looks for objects that are not wanted.
    ///   - logger: For what could not be done.
    init(
        registry: Registry,
        cares: [any ObjectCare],
        pace: PollPace,
        sweepInterval: Duration,
        logger: Logger
    ) {
        self.registry = registry
        self.cares = cares
        self.pace = pace
        self.sweepInterval = sweepInterval
        self.logger = logger
    }

    /// Has objects looked for that are not wanted, now.
    func ring() { bell.ring() }

    /// After how many seconds an object that was made just now is asked about.
    var firstPause: Int64 { pace.first }

    /// Works until the calling task is cancelled; may be called once.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for care in cares where care.tendsOpenObjects { group.addTask { await self.tendWhatIsDue(care) } }
            group.addTask { [bell, sweepInterval] in await bell.ring(every: sweepInterval) }
            for await _ in bell.rings { await sweep() }
            group.cancelAll()
        }
        await questions.end()
    }

    // MARK: What is open

    /// The object as its provider has it now, or as it is known if the provider does not answer in time.
    func current(
        _ object: ManagedObject,
        for principal: Principal,
        _ requested: RequestedObject
    ) async throws
        -> ManagedObject
    {
        guard object.stage == .open || object.stage == .settling, let care = care(for: object),
            let question = questions.ask(
                about: object.id,
                ifNotFresh: true,
                { await self.tend(object, care, isDue: false) }
            )
        else { return object }
        await question.wait(atMost: Self.longestWait)
        return try await registry.object(requested, for: principal, action: .read)
    }

    private func tendWhatIsDue(_ care: any ObjectCare) async {
        let tick = min(Self.longestTick, .seconds(pace.first))
        let line = ObjectLine()
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                await take(care, line, into: &group)
                do { try await Task.sleep(for: tick) } catch { return }
            }
        }
    }

    private func take(_ care: any ObjectCare, _ line: ObjectLine, into group: inout DiscardingTaskGroup) async {
        while !Task.isCancelled {
            let limit = min(Self.takenAtOnce, line.room)
            guard limit > 0 else { return }
            do {
                let due = try await registry.takeDueObjects(care.kind, pace: pace, limit: limit)
                for object in due where line.add(object) {
                    group.addTask { await self.tend(alongside: object, care, line) }
                }
                guard due.count == limit else { return }
            } catch {
                return log("objects that are due could not be taken", error)
            }
        }
    }

    /// Tends an object, and then those at the same deployment that had to wait.
    private func tend(alongside first: ManagedObject, _ care: any ObjectCare, _ line: ObjectLine) async {
        var next: ManagedObject? = first
        while let object = next {
            let question = questions.ask(about: object.id, ifNotFresh: false) {
                await self.tend(object, care, isDue: true)
            }
            await question?.wait(atMost: nil)
            next = line.next(after: object)
        }
    }

    private func tend(_ object: ManagedObject, _ care: any ObjectCare, isDue: Bool) async {
        do {
            _ = try await care.tend(object, isDue: isDue)
        } catch {
            log("an object could not be looked after", error, object)
        }
    }

    private func care(for object: ManagedObject) -> (any ObjectCare)? { cares.first { $0.kind == object.id.kind } }

    // MARK: What is not wanted

    private func sweep() async {
        for care in cares {
            do {
                let claimed = try await registry.claimObjects(care.kind, limit: Self.claimedAtOnce)
                await withTaskGroup(of: Void.self) { group in
                    for object in claimed { group.addTask { await self.undo(object, care) } }
                }
                // There may be more.
                if claimed.count == Self.claimedAtOnce, !Task.isCancelled { ring() }
            } catch {
                log("objects that are not wanted could not be claimed", error)
            }
        }
    }

    private func undo(_ object: ManagedObject, _ care: any ObjectCare) async {
        var isGone = false
        do {
            isGone = try await care.undo(object)
        } catch {
            log("an object that is not wanted could not be removed yet", error, object)
        }
        do {
            if isGone {
                try await registry.dropObject(object.id)
            } else {
                try await registry.postponeObject(object)
            }
        } catch {
            log("what became of an object that is not wanted could not be noted", error, object)
        }
    }

    private func log(_ message: Logger.Message, _ error: any Error, _ object: ManagedObject? = nil) {
        let cause = (error as? RegistryError)?.detailedMessage ?? "\(error)"
        logger.warning(
            message,
            metadata: [
                "object.uuid": "\(object?.id.uuid.text ?? "-")",
                "deployment.id": "\(object?.deployment.description ?? "-")", "error": "\(cause)",
            ]
        )
    }
}
