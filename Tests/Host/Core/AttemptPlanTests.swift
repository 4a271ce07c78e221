import HostCore
import Testing

struct AttemptPlanTests {
    private static let start = ContinuousClock.now
    private static let a = Samples.deployment("a", "m", "m")
    private static let b = Samples.deployment("b", "m", "m")
    private static let other = Samples.deployment("o", "other", "o")
    private static let outage = AttemptPlan.Failure(isRetryable: true, mayFallBack: true)

    private var generator = SeededGenerator(seed: 1)

    private func plan(
        retries: Int = 0,
        shortestPause: Duration = .zero,
        patience: Duration = .seconds(600),
        fallbacks: [String: [String]] = [:]
    ) -> AttemptPlan {
        let rules = RetryRules(
            retries: retries,
            shortestPause: shortestPause,
            patience: patience,
            fallbacks: fallbacks
        )
        return AttemptPlan(model: "m", rules: rules, start: Self.start)
    }

    private mutating func fail(
        _ plan: inout AttemptPlan,
        _ failure: AttemptPlan.Failure = outage,
        after elapsed: Duration = .seconds(1)
    ) -> AttemptPlan.Next {
        plan.failed(failure, at: Self.start.advanced(by: elapsed), using: &generator)
    }

    @Test
    mutating func eachDeploymentIsTriedOnceInOrder() {
        var plan = plan()

        #expect(plan.offered([Self.a, Self.b], isLastResort: false) == .attempt(Self.a, after: .zero))
        #expect(fail(&plan) == .attempt(Self.b, after: .zero))
        #expect(fail(&plan) == .giveUp)
    }

    @Test
    mutating func whereThereIsRoomIsTriedBeforeItIsWaitedForAnywhere() {
        var plan = plan()

        #expect(plan.offered([Self.a, Self.b], isLastResort: false) == .attempt(Self.a, after: .zero))
        #expect(!plan.mayWaitForRoom)
        #expect(plan.foundNoRoom() == .attempt(Self.b, after: .zero))
        #expect(!plan.mayWaitForRoom)
        #expect(plan.foundNoRoom() == .attempt(Self.a, after: .zero))
        #expect(plan.mayWaitForRoom)
        #expect(fail(&plan) == .attempt(Self.b, after: .zero))
        #expect(plan.mayWaitForRoom)
        #expect(fail(&plan) == .giveUp)
    }

    @Test
    mutating func whoHadNoRoomIsWaitedForWhenWhoHadSomeFails() {
        var plan = plan()
        _ = plan.offered([Self.a, Self.b], isLastResort: false)
        _ = plan.foundNoRoom()

        #expect(fail(&plan) == .attempt(Self.a, after: .zero))
        #expect(plan.mayWaitForRoom)
        #expect(fail(&plan) == .giveUp)
    }

    @Test
    mutating func theOnlyOneIsWaitedForAtOnce() {
        var plan = plan(retries: 1)
        _ = plan.offered([Self.a], isLastResort: false)
        #expect(plan.mayWaitForRoom)
        _ = plan.offered([Self.a, Self.b], isLastResort: false)
        #expect(!plan.mayWaitForRoom)

        let failure = AttemptPlan.Failure(isRetryable: true)
        guard case .attempt(Self.a, _) = fail(&plan, failure) else {
            Issue.record("the same is not tried again")
            return
        }
        #expect(plan.mayWaitForRoom)
    }

    @Test(arguments: [AttemptPlan.Failure(), AttemptPlan.Failure(retryAfter: .seconds(1))])
    mutating func whatIsTheClientsOwnFaultIsNotTriedAgain(failure: AttemptPlan.Failure) {
        var plan = plan(retries: 3, fallbacks: ["m": ["other"]])
        _ = plan.offered([Self.a, Self.b], isLastResort: false)

        #expect(fail(&plan, failure) == .giveUp)
    }

    @Test
    mutating func retriesChooseAgainAfterPausesThatGrow() throws {
        var plan = plan(retries: 3)
        var pauses: [Duration] = []
        for _ in 0..<3 {
            #expect(plan.offered([Self.a], isLastResort: false) == .attempt(Self.a, after: .zero))
            guard case .choose("m", let pause) = fail(&plan) else {
                Issue.record("no retry after \(pauses)")
                return
            }
            pauses.append(pause)
        }
        _ = plan.offered([Self.a], isLastResort: false)

        #expect(fail(&plan) == .giveUp)
        #expect((Duration.milliseconds(250)...(.milliseconds(500))).contains(pauses[0]))
        #expect((Duration.milliseconds(500)...(.seconds(1))).contains(pauses[1]))
        #expect((Duration.seconds(1)...(.seconds(2))).contains(pauses[2]))
    }

    @Test
    mutating func thoseWhoFailTogetherDoNotComeBackTogether() {
        var pauses: Set<Duration> = []
        for _ in 0..<20 {
            var plan = plan(retries: 1)
            _ = plan.offered([Self.a], isLastResort: false)
            if case .choose(_, let pause) = fail(&plan) { pauses.insert(pause) }
        }

        #expect(pauses.count > 15)
    }

    @Test(arguments: [(Duration.seconds(4), Duration.zero), (.zero, .seconds(4)), (.seconds(4), .seconds(2))])
    mutating func noPauseIsShorterThanTheProviderOrTheOperatorWants(wish: Duration, shortest: Duration) {
        var plan = plan(retries: 1, shortestPause: shortest)
        _ = plan.offered([Self.a], isLastResort: false)
        let failure = AttemptPlan.Failure(isRetryable: true, mayFallBack: true, retryAfter: wish)

        guard case .choose("m", let pause) = fail(&plan, failure) else {
            Issue.record("no retry")
            return
        }
        #expect((Duration.seconds(4)...(.seconds(5))).contains(pause))
    }

    @Test
    mutating func aClientIsNotKeptWaitingForAProviderThatWantsALongRest() {
        var plan = plan(retries: 1)
        _ = plan.offered([Self.a], isLastResort: false)
        let failure = AttemptPlan.Failure(isRetryable: true, mayFallBack: true, retryAfter: .seconds(31))

        #expect(fail(&plan, failure) == .giveUp)
    }

    @Test
    mutating func whatNoOtherDeploymentCanDoIsTriedAgainAtTheSame() {
        var plan = plan(retries: 1)
        _ = plan.offered([Self.a, Self.b], isLastResort: false)

        guard case .attempt(Self.a, let pause) = fail(&plan, AttemptPlan.Failure(isRetryable: true)) else {
            Issue.record("not the same deployment")
            return
        }
        #expect(pause > .zero)
    }

    @Test
    mutating func nothingIsTriedWhenTheRequestIsTooOld() {
        var first = plan(retries: 5, patience: .seconds(10), fallbacks: ["m": ["other"]])
        _ = first.offered([Self.a, Self.b], isLastResort: false)
        #expect(fail(&first, after: .seconds(10)) == .giveUp)

        var second = plan(retries: 5, patience: .seconds(10))
        _ = second.offered([Self.a], isLastResort: false)
        #expect(fail(&second, after: .milliseconds(9900)) == .giveUp)
    }

    @Test
    mutating func lostFilesAreAReasonToChooseAgainButNotForEver() {
        var plan = plan()
        let lost = AttemptPlan.Failure(hasLostFile: true)
        for _ in 0..<2 {
            _ = plan.offered([Self.a, Self.b], isLastResort: false)
            #expect(fail(&plan, lost) == .attempt(Self.b, after: .zero))
            #expect(fail(&plan) == .choose(model: "m", after: .zero))
        }
        _ = plan.offered([Self.a], isLastResort: false)

        #expect(fail(&plan, lost) == .giveUp)
    }

    @Test
    mutating func otherModelsComeAfterTheRetriesAndHaveTheirOwn() {
        var plan = plan(retries: 1, fallbacks: ["m": ["other", "m", "other", "third"]])
        for model in ["m", "other"] {
            #expect(plan.model == model)
            _ = plan.offered([Self.a], isLastResort: false)
            guard case .choose(model, _) = fail(&plan) else {
                Issue.record("no retry of \(model)")
                return
            }
            _ = plan.offered([Self.a], isLastResort: false)
            let next = model == "m" ? "other" : "third"
            #expect(fail(&plan) == .choose(model: next, after: .zero))
        }
        #expect(plan.refused() == .giveUp)
    }

    @Test
    mutating func aStarStandsForModelsWithoutTheirOwnFallbacks() {
        var general = plan(fallbacks: ["*": ["other"], "x": ["third"]])
        _ = general.offered([Self.a], isLastResort: false)
        #expect(fail(&general) == .choose(model: "other", after: .zero))

        var special = plan(fallbacks: ["*": ["other"], "m": ["third"]])
        _ = special.offered([Self.a], isLastResort: false)
        #expect(fail(&special) == .choose(model: "third", after: .zero))
    }

    @Test
    mutating func aModelThatRestsIsPutOffUntilTheOthersHaveFailed() {
        var plan = plan(fallbacks: ["m": ["other"]])

        #expect(plan.offered([Self.a], isLastResort: true) == .choose(model: "other", after: .zero))
        #expect(plan.offered([Self.other], isLastResort: false) == .attempt(Self.other, after: .zero))
        #expect(fail(&plan) == .choose(model: "m", after: .zero))
        #expect(plan.offered([Self.a], isLastResort: true) == .attempt(Self.a, after: .zero))
        #expect(fail(&plan) == .giveUp)
    }

    @Test
    mutating func ifEveryModelRestsTheOneThatWasAskedForIsTried() {
        var plan = plan(fallbacks: ["m": ["other", "third"]])

        #expect(plan.offered([Self.a], isLastResort: true) == .choose(model: "other", after: .zero))
        #expect(plan.offered([Self.other], isLastResort: true) == .choose(model: "third", after: .zero))
        #expect(plan.refused() == .choose(model: "m", after: .zero))
        #expect(plan.offered([Self.a], isLastResort: true) == .attempt(Self.a, after: .zero))
    }

    @Test
    mutating func withoutAnotherModelAnyDeploymentIsTried() {
        var plan = plan()

        #expect(plan.offered([Self.a], isLastResort: true) == .attempt(Self.a, after: .zero))
    }
}
