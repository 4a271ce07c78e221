/// When a message that was not delivered is tried again.
enum WebhookBackoff {
    /// After each attempt; about a day in all.
    static let pauses: [Duration] = [
        .seconds(5), .seconds(300), .seconds(1800), .seconds(2 * 3600), .seconds(5 * 3600), .seconds(10 * 3600),
        .seconds(10 * 3600),
    ]
    private static let longestWish: Duration = .seconds(3600)

    /// How long to wait.
    ///
    /// - Parameters:
    ///   - attempt: The one that failed, counted from 1.
    ///   - wish: The receiver's `Retry-After`; up to an hour it is respected where it is the longer time.
    ///   - chance: From 0 to 1: the pause is up to a tenth shorter or longer, so that receivers that were away are not
    ///     met by everything at once.
    /// - Returns: The pause; nil if the message is given up.
    static func pause(after attempt: Int, wish: Duration? = nil, chance: Double) -> Duration? {
        guard attempt <= pauses.count else { return nil }
        let pause = pauses[max(attempt, 1) - 1] * (0.9 + 0.2 * chance)
        return max(pause, min(wish ?? .zero, longestWish))
    }
}
