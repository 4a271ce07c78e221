import HostCore
import Testing

struct IDReplacementTests {
    private func made(
        _ pairs: [(String, String?)] = [("resp_p", "resp_managed_and_longer"), ("file-p", "file-m")]
    )
        -> IDReplacement
    {
        var replacement = IDReplacement()
        for (id, text) in pairs { replacement.replace(id, with: text) }
        return replacement
    }

    private func whole(_ text: String, _ replacement: IDReplacement) -> String {
        String(decoding: Array(text.utf8).withUnsafeBytes { replacement.replaced(in: $0) }, as: UTF8.self)
    }

    private func pieces(_ text: String, _ replacement: IDReplacement, by sizes: () -> Int) -> String {
        var replacement = replacement
        let bytes = Array(text.utf8)
        var (output, start): ([UInt8], Int) = ([], 0)
        while start < bytes.count {
            let end = min(bytes.count, start + sizes())
            output += Array(bytes[start..<end]).withUnsafeBytes { replacement.take($0) }
            start = end
        }
        return String(decoding: output + replacement.finish(), as: UTF8.self)
    }

    private static let cases = [
        (#"{"id":"resp_p","x":["resp_p"]}"#, #"{"id":"resp_managed_and_longer","x":["resp_managed_and_longer"]}"#),
        (#"{"a" : "file-p" , "file-p":1}"#, #"{"a" : "file-m" , "file-p":1}"#),
        // Only whole strings, and no text that merely quotes one.
        (
            #"{"text":"see resp_p","t":"resp_px","u":"\"resp_p\"","v":"\\","w":"resp_p"}"#,
            #"{"text":"see resp_p","t":"resp_px","u":"\"resp_p\"","v":"\\","w":"resp_managed_and_longer"}"#
        ),
        (
            "event: x\ndata: {\"id\":\"resp_p\"}\n\ndata: \"broken\n\ndata: {\"id\":\"resp_p\"}\n\n",
            "event: x\ndata: {\"id\":\"resp_managed_and_longer\"}\n\ndata: \"broken\n\n"
                + "data: {\"id\":\"resp_managed_and_longer\"}\n\n"
        ),
        (#"["\u0022resp_p","é","resp_p"]"#, #"["\u0022resp_p","é","resp_managed_and_longer"]"#),
        ("", ""), ("\"", "\""), (#""resp_p"#, #""resp_p"#), (#""resp_p""#, #""resp_managed_and_longer""#),
        ("\"\\", "\"\\"),
    ]

    @Test(arguments: cases)
    func idsThatAreWholeStringsAreReplaced(text: String, expected: String) {
        #expect(whole(text, made()) == expected)
    }

    @Test(arguments: cases)
    func itMakesNoDifferenceHowATextIsCut(text: String, expected: String) {
        for size in 1...max(1, text.utf8.count) {
            #expect(pieces(text, made()) { size } == expected, "by \(size)")
        }
    }

    @Test
    func anyTextComesOutAsItWouldInOnePiece() {
        var generator = SeededGenerator(seed: 7)
        let parts = [
            "\"", "\\", "resp_p", "file-p", ":", ",", " ", "\n", "{", "}", "[", "]", "\"resp_p\"", "\"file_id\":",
            "null",
            "\"file_ids\":[", "é", String(repeating: "x", count: 600), String(repeating: " ", count: 90),
        ]
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                parts[Int.random(in: 0..<parts.count, using: &generator)]
            }.joined()
            let expected = whole(text, made())

            let found = pieces(text, made()) { Int.random(in: 1...9, using: &generator) }

            #expect(found == expected, "\(text)")
        }
    }

    @Test
    func whatHasNothingInItsPlaceBecomesNull() {
        #expect(whole(#"{"file_id":"f","x":["f"]}"#, made([("f", nil)])) == #"{"file_id":null,"x":[null]}"#)
    }

    @Test
    func nothingLongIsKeptBack() {
        var replacement = made()
        let long = Array(("\"" + String(repeating: "a", count: 100_000)).utf8)

        let output = long.withUnsafeBytes { replacement.take($0) }

        #expect(output.count == long.count)
        #expect(replacement.finish().isEmpty)
    }

    @Test(arguments: [
        (#"{"file_id":"a","file_ids":["b","c"],"x":"d","previous_response_id":"e","id":"f"}"#, ["a", "b", "c", "e"]),
        (#"{"file_id":null,"x":"a","file_ids":[],"y":"b"}"#, []),
        (#"{"text":"{\"file_id\":\"a\"}","file_id" :  "b"}"#, ["b"]),
        (#"{"file_id":"file-p","file_id":"other"}"#, ["other"]),
    ])
    func idsThatNobodyKnowsAreTold(text: String, expected: [String]) {
        let bytes = Array(text.utf8)

        #expect(bytes.withUnsafeBytes { made().unknownIDs(in: $0, isLast: true) }.sorted() == expected)
    }

    @Test
    func anIDThatIsCutIsToldWithItsEnd() {
        var replacement = made()
        let (first, second) = (Array(#"{"file_id":"file-un"#.utf8), Array(#"known"}"#.utf8))

        #expect(first.withUnsafeBytes { replacement.unknownIDs(in: $0, isLast: false) }.isEmpty)
        var output = first.withUnsafeBytes { replacement.take($0) }
        #expect(second.withUnsafeBytes { replacement.unknownIDs(in: $0, isLast: false) } == ["file-unknown"])
        replacement.replace("file-unknown", with: "file-known")
        output += second.withUnsafeBytes { replacement.take($0) }

        #expect(String(decoding: output, as: UTF8.self) == #"{"file_id":"file-known"}"#)
    }
}
