import Testing

@testable import HostTransfer

struct WebhookBackoffTests {
    @Test
    func aMessageIsTriedForAboutADay() {
        let pauses = (1...).lazy.map { WebhookBackoff.pause(after: $0, chance: 0.5) }.prefix { $0 != nil }
        let total = pauses.compactMap(\.self).reduce(Duration.zero, +)

        #expect(Array(pauses).first == .seconds(5))
        #expect(total > .seconds(23 * 3600) && total < .seconds(30 * 3600))
    }

    @Test(arguments: 1...7)
    func eachPauseIsLongerThanTheOneBeforeByChanceATenthMoreOrLess(attempt: Int) throws {
        let shortest = try #require(WebhookBackoff.pause(after: attempt, chance: 0))
        let longest = try #require(WebhookBackoff.pause(after: attempt, chance: 1))

        #expect(longest > shortest)
        #expect(longest <= shortest * 1.23)
        if attempt < 6 {
            #expect(try #require(WebhookBackoff.pause(after: attempt + 1, chance: 0)) > longest)
        }
    }

    @Test(arguments: [
        (1, Duration.seconds(60), Duration.seconds(60)), (1, .seconds(1), .seconds(5)),
        (1, .seconds(86_400), .seconds(3600)), (4, .seconds(3600), .seconds(7200)),
    ])
    func aReceiversWishIsRespectedUpToAnHour(attempt: Int, wish: Duration, expected: Duration) {
        #expect(WebhookBackoff.pause(after: attempt, wish: wish, chance: 0.5) == expected)
    }

    @Test
    func aWishDoesNotProlongWhatIsGivenUp() {
        #expect(WebhookBackoff.pause(after: 8, wish: .seconds(60), chance: 0.5) == nil)
    }
}
