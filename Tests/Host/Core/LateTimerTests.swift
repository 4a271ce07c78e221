import HostCore
import Testing

struct LateTimerTests {
    @Test
    func whoeverIsInTimeIsBelieved() {
        #expect(LateTimer.secondLook(after: .zero) == nil)
        #expect(LateTimer.secondLook(after: .milliseconds(100)) == nil)
    }

    @Test
    func whoeverIsLateLooksAgain() throws {
        let pause = try #require(LateTimer.secondLook(after: .seconds(60)))

        #expect(pause > .zero)
        // Looking again must not be late by itself, or it would never end.
        #expect(LateTimer.secondLook(after: .milliseconds(10)) == nil)
    }
}
