import Glibc
import Testing

@testable import HostPlugins

struct StepWatchTests {
    private let start = ContinuousClock.Instant.now

    /// Looks every half limit at a worker that computes so much between two looks and ends no step.
    private func findings(computing share: Duration, looks: Int, isWaiting: Bool = false) -> [StepWatch.Finding] {
        var watch = StepWatch(limit: .seconds(1))
        return (0..<looks).map { index in
            watch.look(
                progress: 7,
                computed: share * index,
                isWaitingForHost: isWaiting,
                at: start.advanced(by: watch.interval * index)
            )
        }
    }

    @Test
    func aStepThatComputesForItsLimitIsFound() {
        #expect(findings(computing: .milliseconds(500), looks: 3) == [.fine, .fine, .computesTooLong])
    }

    @Test
    func aWorkerThatGetsNoProcessorIsGivenTime() {
        #expect(findings(computing: .milliseconds(50), looks: 20).allSatisfy { $0 == .fine })
    }

    @Test
    func aStepThatSleepsIsFoundLater() {
        let findings = findings(computing: .zero, looks: 21)

        #expect(findings.dropLast().allSatisfy { $0 == .fine })
        #expect(findings.last == .doesNothing)
    }

    @Test
    func aWorkerThatWaitsForTheHostIsNotBlamed() {
        #expect(findings(computing: .zero, looks: 50, isWaiting: true).allSatisfy { $0 == .fine })
    }

    @Test
    func stepsThatEndAreNeverTooLong() {
        var watch = StepWatch(limit: .seconds(1))
        let findings = (0..<20).map { index in
            watch.look(
                progress: UInt64(index),
                computed: .seconds(2) * index,
                isWaitingForHost: false,
                at: start.advanced(by: watch.interval * index)
            )
        }
        #expect(findings.allSatisfy { $0 == .fine })
    }

    @Test
    func whatIsKeptBackOnOneOfTheSocketsIsFoundLaterAtTheSameLooks() {
        let watch = StepWatch(limit: .seconds(1))
        var one = StepWatch(oneOf: 3, beside: watch)
        #expect(one.limit == .seconds(4))
        #expect(one.interval == watch.interval)

        let findings = (0..<9).map { index in
            one.look(
                progress: 7,
                computed: .milliseconds(500) * index,
                isWaitingForHost: false,
                at: start.advanced(by: one.interval * index)
            )
        }

        #expect(findings.dropLast().allSatisfy { $0 == .fine })
        #expect(findings.last == .computesTooLong)
    }

    @Test
    func aMachineThatStoodStillBlamesNobody() {
        var watch = StepWatch(limit: .seconds(1))
        _ = watch.look(progress: 0, computed: .zero, isWaitingForHost: false, at: start)

        let finding = watch.look(
            progress: 0,
            computed: .milliseconds(1),
            isWaitingForHost: false,
            at: start.advanced(by: .seconds(3600))
        )

        #expect(finding == .fine)
    }

    @Test
    func theSystemTellsWhatAProcessHasComputed() throws {
        #expect(try #require(ProcessLook.computed(getpid())) > .zero)
        // More than any system gives.
        #expect(ProcessLook.computed(4_194_305) == nil)
        #expect(ProcessLook.isAsleep(4_194_305))
    }
}
