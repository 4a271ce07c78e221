import HostCore
import Testing

struct CircuitBreakerTests {
    private static let start = ContinuousClock.now
    private static let rules = CooldownRules(allowedFailures: 2, cooldown: .seconds(5))

    private var breaker = CircuitBreaker(rules: rules)

    private static func at(_ seconds: Double) -> ContinuousClock.Instant {
        start.advanced(by: .milliseconds(Int64(seconds * 1000)))
    }

    /// One operation that begins and ends at this time.
    private mutating func run(_ sign: HealthSign, at seconds: Double) {
        let ticket = breaker.begin(at: Self.at(seconds))
        breaker.end(ticket, sign, at: Self.at(seconds))
    }

    private mutating func open(at seconds: Double = 0) {
        for _ in 0..<3 { run(.failed, at: seconds) }
    }

    private func rest(at seconds: Double) -> Duration? { breaker.remainingRest(at: Self.at(seconds)) }

    @Test
    mutating func asManyFailuresInARowAsAreAllowedChangeNothing() {
        run(.failed, at: 0)
        run(.failed, at: 1)

        #expect(rest(at: 1) == nil)
        #expect(breaker.isClosed)
    }

    @Test
    mutating func oneMoreSparesTheDeploymentForTheCooldown() {
        open()

        #expect(rest(at: 0) == .seconds(5))
        #expect(rest(at: 4) == .seconds(1))
        #expect(rest(at: 5) == nil)
    }

    @Test
    mutating func anAnswerBreaksTheRow() {
        for _ in 0..<10 {
            run(.failed, at: 0)
            run(.failed, at: 0)
            run(.answered, at: 0)
        }

        #expect(rest(at: 0) == nil)
    }

    @Test
    mutating func whatSaysNothingNeitherCountsNorBreaksTheRow() {
        for _ in 0..<10 { run(.unknown, at: 0) }
        #expect(rest(at: 0) == nil)

        run(.failed, at: 0)
        run(.failed, at: 0)
        run(.unknown, at: 0)
        run(.failed, at: 0)

        #expect(rest(at: 0) == .seconds(5))
    }

    @Test
    mutating func failuresThatAreFarApartAreNoRow() {
        for minute in 0..<10 { run(.failed, at: Double(minute) * 61) }

        #expect(breaker.isClosed)
    }

    @Test(arguments: [(Duration.seconds(9), 9.0), (.seconds(100_000), 60), (.milliseconds(500), 0.5)])
    mutating func theProvidersWishIsHeardAtOnceAndWithinReason(wish: Duration, seconds: Double) {
        run(.asksForRest(wish), at: 0)

        #expect(rest(at: 0) == .milliseconds(Int64(seconds * 1000)))
        #expect(rest(at: seconds) == nil)
    }

    @Test
    mutating func oneOperationProbesWhenTheTimeIsOver() {
        open()
        let probe = breaker.begin(at: Self.at(5))

        // Everybody else goes elsewhere while it runs.
        #expect(rest(at: 5) != nil)
        breaker.end(probe, .answered, at: Self.at(6))
        #expect(breaker.isClosed)
        #expect(rest(at: 6) == nil)
    }

    @Test
    mutating func aProbeThatFailsSparesTheDeploymentAgain() {
        open()
        run(.failed, at: 5)

        #expect(rest(at: 5) == .seconds(5))
        run(.failed, at: 10)
        #expect(rest(at: 14) == .seconds(1))
    }

    @Test
    mutating func aProbeWhoseClientLeftMakesRoomForTheNextAtOnce() {
        open()
        run(.unknown, at: 5)

        #expect(rest(at: 5) == nil)
        run(.answered, at: 5)
        #expect(breaker.isClosed)
    }

    @Test
    mutating func aProbeThatHangsDoesNotHoldUpTheNextForEver() {
        open()
        let hanging = breaker.begin(at: Self.at(5))
        #expect(rest(at: 9.9) != nil)
        #expect(rest(at: 10) == nil)

        run(.answered, at: 10)
        breaker.end(hanging, .failed, at: Self.at(300))

        #expect(breaker.isClosed)
        #expect(rest(at: 300) == nil)
    }

    @Test
    mutating func aProbeThatTakesLongStillTells() {
        open()
        let first = breaker.begin(at: Self.at(5))
        let second = breaker.begin(at: Self.at(10))
        let third = breaker.begin(at: Self.at(15))
        #expect(first.wantsEarlySign && second.wantsEarlySign && third.wantsEarlySign)

        breaker.end(first, .answered, at: Self.at(16))

        #expect(breaker.isClosed)
        breaker.end(second, .failed, at: Self.at(17))
        breaker.end(third, .failed, at: Self.at(17))
        #expect(breaker.isClosed)
        #expect(!breaker.begin(at: Self.at(17)).wantsEarlySign)
    }

    @Test
    mutating func whatBeganBeforeTheRestSaysNothingAboutTheTimeAfterIt() {
        let early = (0..<100).map { _ in breaker.begin(at: Self.at(0)) }
        for ticket in early.prefix(50) { breaker.end(ticket, .failed, at: Self.at(1)) }
        #expect(rest(at: 1) == .seconds(5))
        breaker.end(early[50], .answered, at: Self.at(2))
        #expect(rest(at: 2) == .seconds(4))

        run(.answered, at: 6)
        for ticket in early.suffix(49) { breaker.end(ticket, .failed, at: Self.at(7)) }

        #expect(breaker.isClosed)
    }

    @Test
    mutating func whatIsTriedForWantOfAnotherEndsTheRestOrLeavesItAlone() {
        open()
        run(.failed, at: 1)
        #expect(rest(at: 1) == .seconds(4))

        run(.answered, at: 2)
        #expect(breaker.isClosed)
    }

    @Test
    mutating func aLongerWishProlongsARestAndAShorterOneDoesNot() {
        open()
        run(.asksForRest(.seconds(30)), at: 1)
        run(.asksForRest(.seconds(2)), at: 1)

        #expect(rest(at: 1) == .seconds(30))
    }

    @Test
    mutating func withoutRulesNothingIsSpared() {
        breaker = CircuitBreaker(rules: .none)
        for _ in 0..<100 { run(.failed, at: 0) }
        run(.asksForRest(.seconds(30)), at: 0)

        #expect(breaker.isClosed)
    }

    @Test
    mutating func noFailureAllowedMeansTheFirst() {
        breaker = CircuitBreaker(rules: CooldownRules(allowedFailures: 0, cooldown: .seconds(1)))
        run(.failed, at: 0)

        #expect(rest(at: 0) == .seconds(1))
    }
}
