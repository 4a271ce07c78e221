import HTTPTypes
import Testing

@testable import HostServer

struct ContentRangeTests {
    @Test(
        arguments: [
            (nil, .whole), ("bytes=0-0", .part(0...0)), ("bytes=5-9", .part(5...9)), ("bytes=5-", .part(5...99)),
            ("bytes=-5", .part(95...99)), ("bytes=-500", .part(0...99)), ("bytes=90-500", .part(90...99)),
            ("bytes=99-99", .part(99...99)), ("bytes=100-", .unsatisfiable), ("bytes=-0", .unsatisfiable),
            ("BYTES=1-2", .part(1...2)), ("bytes= 1-2 ", .part(1...2)),
            ("bytes=99999999999999999999-", .unsatisfiable), ("bytes=1-99999999999999999999", .part(1...99)),
            ("bytes=9-5", .whole), ("bytes=", .whole), ("bytes=-", .whole), ("bytes=a-b", .whole), ("bytes=1", .whole),
            ("bytes=+1-2", .whole), ("bytes=1-2-3", .whole), ("bytes=0-1,4-5", .whole), ("lines=1-2", .whole),
            ("1-2", .whole),
        ] as [(String?, ContentRange)]
    )
    func aRangeIsReadAsHTTPHasIt(header: String?, expected: ContentRange) {
        var headers: HTTPFields = [:]
        headers[.range] = header

        #expect(ContentRange(headers, entityTag: nil, size: 100) == expected)
    }

    @Test(
        arguments: [
            ("\"abc\"", .part(1...2)), ("\"abd\"", .whole), ("W/\"abc\"", .whole),
            ("Sun, 22 Nov 2026 20:00:00 GMT", .whole),
        ] as [(String, ContentRange)]
    )
    func aRangeOfAnotherContentIsTheWhole(condition: String, expected: ContentRange) {
        let headers: HTTPFields = [.range: "bytes=1-2", .ifRange: condition]

        #expect(ContentRange(headers, entityTag: "\"abc\"", size: 100) == expected)
        #expect(ContentRange(headers, entityTag: nil, size: 100) == .whole)
    }

    @Test
    func nothingCanBeCutFromAnEmptyContent() {
        for range in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            #expect(ContentRange([.range: range], entityTag: nil, size: 0) == .unsatisfiable)
        }
    }
}
