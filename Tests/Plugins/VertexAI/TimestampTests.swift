import Testing

@testable import VertexAIAdapter

struct TimestampTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-23T03:10:00.123456Z", 1_795_403_400),
            ("2024-02-29T23:59:60.5Z", 1_709_251_200), ("2000-03-01T00:00:00Z", 951_868_800),
            ("1969-12-31T23:59:59Z", -1),
        ] as [(String, Int64)]
    )
    func aTimestampIsReadInSeconds(text: String, seconds: Int64) {
        #expect(Timestamp.unixSeconds(text) == seconds)
    }

    @Test(
        arguments: [
            nil, "", "Z", "2026-11-23", "2026-11-23T03:10:00", "2026-13-23T03:10:00Z", "2026-11-23T25:10:00Z",
            "2026-11-23T03:10:00.x0Z", "2026-11-23T03:10:00+02:00", "2026-11-23 03:10:00Z", "２026-11-23T03:10:00Z",
            "2026-11-23T03:10:00,5Z", "+026-11-23T03:10:00Z",
        ] as [String?]
    )
    func otherTextsAreNone(text: String?) {
        #expect(Timestamp.unixSeconds(text) == nil)
    }
}
