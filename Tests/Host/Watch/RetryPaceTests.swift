import Testing

@testable import HostWatch

struct RetryPaceTests {
    @Test
    func theWaitDoublesWhileItLasts() {
        var pace = RetryPace()
        #expect(pace.pause == nil)
        pace.note(failed: true, isRetry: false)
        var pauses: [Duration?] = [pace.pause]
        for _ in 0..<6 {
            pace.note(failed: true, isRetry: true)
            pauses.append(pace.pause)
        }

        let expected = [30, 60, 120, 240, 480, 600, 600].map { (seconds: Int) -> Duration? in .seconds(seconds) }
        #expect(pauses == expected)
    }

    @Test
    func anotherAttemptDoesNotMakeItLonger() {
        var pace = RetryPace()
        pace.note(failed: true, isRetry: false)
        pace.note(failed: true, isRetry: true)
        pace.note(failed: true, isRetry: false)

        #expect(pace.pause == .seconds(60))
    }

    @Test
    func successEndsIt() {
        var pace = RetryPace()
        pace.note(failed: true, isRetry: false)
        pace.note(failed: false, isRetry: true)
        #expect(pace.pause == nil)
        pace.note(failed: true, isRetry: false)
        #expect(pace.pause == .seconds(30))
    }
}
