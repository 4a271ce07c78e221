import Testing

@testable import HostServer

struct DurationTextTests {
    @Test(arguments: [
        (Duration.zero, "0.000"), (.nanoseconds(999), "0.000"), (.microseconds(1), "0.001"),
        (.microseconds(123), "0.123"), (.milliseconds(1), "1.000"), (.microseconds(12_345_678), "12345.678"),
        (.seconds(100_000), "100000000.000"), (.microseconds(-5), "0.000"),
    ])
    func aTimeIsWrittenInMillisecondsWithThreeDecimals(time: Duration, text: String) {
        #expect(time.millisecondsText == text)
    }
}
