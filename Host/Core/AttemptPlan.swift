/// What to do for one request from its first attempt to its last, as long as no byte of an answer has gone to the
/// client.
///
/// Each deployment of the model that could serve the request is tried once, in order. Then all may be tried again after
/// a pause, then other models. The plan only says what is next: it is told what deployments there are and how attempts
/// ended.
package struct AttemptPlan: Sendable {
    /// What a failed attempt allows.
    package struct Failure: Hashable, Sendable {
        /// Whether the same deployment may succeed later.
        package let isRetryable: Bool
        /// Whether another deployment may succeed.
        package let mayFallBack: Bool
        /// Whether it helps to choose again, because a copy of a file turned out to be lost.
        package let hasLostFile: Bool
        /// How long the provider wants to be left alone.
        package let retryAfter: Duration?

        /// Makes a failure.
        package init(
            isRetryable: Bool = false,
            mayFallBack: Bool = false,
            hasLostFile: Bool = false,
            retryAfter: Duration? = nil
        ) {
            self.isRetryable = isRetryable
            self.mayFallBack = mayFallBack
            self.hasLostFile = hasLostFile
            self.retryAfter = retryAfter
        }
    }

    /// What to do next.
    package enum Next: Hashable, Sendable {
        /// Wait, then try this deployment and tell ``AttemptPlan/failed(_:at:using:)`` if it fails, or
        /// ``AttemptPlan/foundNoRoom()``.
        case attempt(Deployment, after: Duration)
        /// Wait, then choose among the deployments of a model and tell ``AttemptPlan/offered(_:isLastResort:)``, or
        /// ``AttemptPlan/refused()`` if it cannot serve this request.
        case choose(model: String, after: Duration)
        /// Answer with the last failure, or with the refusal if nothing was tried.
        case giveUp
    }

    /// How often deployments are chosen anew for one model, as providers turn out to have lost its files.
    private static let mostChoicesForLostFiles = 2
    private static let firstPause: Duration = .milliseconds(500)
    private static let longestPause: Duration = .seconds(8)
    /// A client is not kept waiting for a provider that wants to be left alone for longer.
    private static let longestRetryAfter: Duration = .seconds(30)

    /// The model whose deployments are tried.
    package private(set) var model: String
    private let primary: String
    private let rules: RetryRules
    private let end: ContinuousClock.Instant
    private var fallbacks: ArraySlice<String>
    private var current: Deployment?
    private var rest: ArraySlice<Deployment> = []
    /// Those that had no room, in their order.
    private var occupied: [Deployment] = []
    /// Whether the next attempt may wait until the deployment has room: no other is left that might have.
    package private(set) var mayWaitForRoom = false
    private var retriesDone = 0
    private var choicesForLostFiles = 0
    private var hasLostFile = false
    /// The deployments of the first model all rest; they are tried when no other model serves.
    private var isPrimaryPutOff = false
    private var takesLastResort: Bool

    /// Makes a plan; begin by choosing among the model's deployments.
    ///
    /// - Parameters:
    ///   - model: What the client called the model.
    ///   - rules: What is done when its deployments fail.
    ///   - start: When the request came.
    package init(model: String, rules: RetryRules, start: ContinuousClock.Instant) {
        self.model = model
        primary = model
        self.rules = rules
        end = start.advanced(by: rules.patience)
        fallbacks = rules.fallbacks(of: model)[...]
        takesLastResort = fallbacks.isEmpty
    }

    /// These can serve the request.
    ///
    /// - Parameters:
    ///   - candidates: In the order in which they should be tried; at least one.
    ///   - isLastResort: Whether they rest after failures.
    /// - Returns: What to do next.
    package mutating func offered(_ candidates: [Deployment], isLastResort: Bool) -> Next {
        if isLastResort, !takesLastResort {
            if model == primary, retriesDone == 0 { isPrimaryPutOff = true }
            return nextModel()
        }
        (rest, occupied, mayWaitForRoom) = (candidates[...], [], false)
        return nextCandidate() ?? nextModel()
    }

    /// The deployment has no room for one more now; to be told only while ``mayWaitForRoom`` is false.
    ///
    /// The last room may be taken by another request between the choice and the attempt.
    package mutating func foundNoRoom() -> Next {
        if let current { occupied.append(current) }
        return nextCandidate() ?? nextModel()
    }

    /// The model cannot serve this request.
    package mutating func refused() -> Next { nextModel() }

    /// The attempt that was asked for failed before the client got a byte.
    ///
    /// - Parameters:
    ///   - failure: What it allows.
    ///   - now: When it ended.
    ///   - generator: Spreads the pauses.
    /// - Returns: What to do next.
    package mutating func failed(
        _ failure: Failure,
        at now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) -> Next {
        hasLostFile = hasLostFile || failure.hasLostFile
        guard now < end else { return .giveUp }
        if failure.mayFallBack || failure.hasLostFile, let next = nextCandidate() { return next }
        if hasLostFile, choicesForLostFiles < Self.mostChoicesForLostFiles {
            hasLostFile = false
            choicesForLostFiles += 1
            return .choose(model: model, after: .zero)
        }
        if failure.isRetryable, retriesDone < rules.retries,
            let pause = pause(after: failure, using: &generator), now.advanced(by: pause) < end
        {
            retriesDone += 1
            guard !failure.mayFallBack, let current else { return .choose(model: model, after: pause) }
            // No other would do.
            mayWaitForRoom = true
            return .attempt(current, after: pause)
        }
        return failure.isRetryable || failure.mayFallBack ? nextModel() : .giveUp
    }

    private mutating func nextCandidate() -> Next? {
        if rest.isEmpty { (rest, occupied, mayWaitForRoom) = (occupied[...], [], true) }
        guard let next = rest.popFirst() else { return nil }
        current = next
        if rest.isEmpty, occupied.isEmpty { mayWaitForRoom = true }
        return .attempt(next, after: .zero)
    }

    private mutating func nextModel() -> Next {
        (rest, occupied, current, hasLostFile) = ([], [], nil, false)
        (retriesDone, choicesForLostFiles) = (0, 0)
        if let next = fallbacks.popFirst() {
            model = next
            return .choose(model: next, after: .zero)
        }
        guard isPrimaryPutOff else { return .giveUp }
        (isPrimaryPutOff, takesLastResort) = (false, true)
        model = primary
        return .choose(model: primary, after: .zero)
    }

    /// Twice as long each time, and by chance up to half less, so that those who failed together do not come back
    /// together; nil if the provider wants to be left alone for too long.
    private func pause(after failure: Failure, using generator: inout some RandomNumberGenerator) -> Duration? {
        let wish = failure.retryAfter ?? .zero
        guard wish <= Self.longestRetryAfter else { return nil }
        let backOff = min(Self.firstPause * (1 << min(retriesDone, 8)), Self.longestPause)
        let shortest = max(wish, rules.shortestPause)
        let spread = Double.random(in: 0...1, using: &generator)
        return max(backOff * (1 - spread / 2), shortest * (1 + spread / 4))
    }
}
