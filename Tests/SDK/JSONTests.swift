import GantryPlugin
import Testing

struct JSONTests {
    @Test(arguments: [
        "null", "true", " false\t\r\n", "0", "-0", "-0.0e-0", "1E+2", "123456789012345678901234567890", "\"\"",
        #""\"\\\/\b\f\n\r\t\u0000\u00e9\uD834\uDD1E""#, "[]", "[ ]", "{}", "{ }", "[1,[2,[3]]]",
        #"{"a":{"a":1},"b":[]}"#,
        #"{"":0}"#, "\"\u{7F}\u{2028}é😀\"", "{\"\u{E9}\":1,\"e\u{301}\":2}", "1e400",
    ])
    func textsOfTheGrammarAreReadAndWrittenAgain(text: String) throws {
        let value = try JSON(parsing: Array(text.utf8))

        #expect(try JSON(parsing: value.serialized()) == value)
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "Infinity", "1 2",
        "\"",
        "\"\\\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\t\"", "\"\n\"", "\"\u{0}\"", "'a'", "[", "[1",
        "[1,",
        "[1,]", "[,1]", "[1 2]", "]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:1}",
        "{\"a\" 1}", "}", "// x\n1", "1//", "\u{FEFF}1", "\"\\uD800\"", "\"\\uDC00\"", "\"\\uD800\\uD800\"",
        "\"\\uD800\\n\"", "\"\\uD800x\"", #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#,
    ])
    func textsOutsideOfTheGrammarAreRefused(text: String) {
        #expect(throws: JSONError.self) { try JSON(parsing: Array(text.utf8)) }
    }

    @Test(arguments: [
        [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
        [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
        [0x22, 0xE2, 0x82, 0x22], [0x22, 0x5C, 0x6E, 0xFF, 0x22], [0xC2, 0xA0, 0x31], [0x31, 0x00],
    ])
    func invalidUTF8IsRefused(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSON(parsing: bytes) }
    }

    @Test
    func nestingIsBounded() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: depth) + Array(repeating: UInt8(ascii: "]"), count: depth)
        }

        #expect(throws: Never.self) { try JSON(parsing: nested(128)) }
        #expect(throws: JSONError.self) { try JSON(parsing: nested(129)) }
        #expect(throws: JSONError.self) { try JSON(parsing: Array(repeating: UInt8(ascii: "["), count: 1_000_000)) }
    }

    @Test
    func anErrorNamesItsPlaceAndQuotesNothing() {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: Array(#"{"key":"sk-secret", x}"#.utf8)) }

        #expect(error?.offset == 20)
        #expect(error?.description.contains("sk-secret") == false)
    }

    @Test
    func duplicatesAreFoundAmongManyNames() throws {
        let names = (0..<5_000).map { "\"n\($0)\":\($0)" }.joined(separator: ",")

        let object = try JSON(parsing: Array("{\(names)}".utf8)).object

        #expect(object?.count == 5_000)
        #expect(object?["n4999"]?.integer == 4_999)
        #expect(throws: JSONError.self) { try JSON(parsing: Array("{\(names),\"n17\":0}".utf8)) }
    }

    @Test
    func numbersKeepTheirText() throws {
        let text = "[1.0,1e3,-9223372036854775808,9223372036854775808,1.5,1e400,0.10]"
        let values = try #require(try JSON(parsing: Array(text.utf8)).array)

        #expect(values.map { $0.integer } == [1, 1_000, .min, nil, nil, nil, nil])
        #expect(values.map { $0.double } == [1, 1_000, -0x1p63, 0x1p63, 1.5, nil, 0.1])
        #expect(String(decoding: JSON.array(values).serialized(), as: UTF8.self) == text)
        #expect(JSONNumber(text: "01") == nil)
        #expect(JSONNumber(text: " 1") == nil)
        #expect(JSONNumber(text: "-1.5e3")?.double == -1_500)
        #expect(JSONNumber(.infinity) == nil)
    }

    @Test
    func stringsAreEscapedWhereTheyMustBe() {
        let text = "\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}é😀"

        let literal = String(decoding: JSON.string(text).serialized(), as: UTF8.self)

        #expect(literal == #""\"\\/\b\f\n\r\t\u0000\u001f\#u{7F}é😀""#)
    }

    private static let unknownNames: [(String, [String], String?)] = [
        (#"{"a":1,"b":2}"#, ["a", "b"], nil), ("{}", [], nil),
        (#"{"a":1,"x":2,"y":3}"#, ["a", "b"], "acme has no parameter `x`; remove it. Known are: a, b."),
        (#"{"x":2}"#, [], "acme has no parameter `x`; remove it."),
        ("[]", ["a"], "What is set for acme must be an object."),
    ]

    @Test(arguments: unknownNames)
    func namesThatAreNotKnownAreRefused(text: String, known: [String], message: String?) throws {
        let value = try JSON(parsing: Array(text.utf8))
        var refusal: Failure?
        do throws(Failure) {
            try value.refuseUnknown(known, of: "acme")
        } catch {
            refusal = error
        }

        #expect(refusal?.message == message)
        #expect(refusal == nil || refusal?.reason == .invalid)
    }

    @Test
    func membersKeepTheirOrderThroughChanges() {
        var object = JSONObject()
        object["b"] = 1
        object["a"] = true
        object["c"] = nil
        object.append(name: "d", value: [nil, 1.5, "x"])
        object["b"] = "new"

        #expect(object.names == ["b", "a", "d"])
        #expect(JSON.object(object) == ["b": "new", "a": true, "d": [nil, 1.5, "x"]])
        object["a"] = nil
        #expect(object.count == 2)
        #expect(object["a"] == nil)
    }

    @Test
    func mutatedTextsAreReadOrRefusedButNeverTrap() {
        let seed = #"{"a":[1,-2.5e+3,"x\u00e9\uD83D\uDE00\n",null,true],"b":{"c":"é😀","d":[[],{}]},"e":0}"#
        var random = SplitMix(state: 42)
        var accepted = 0
        for _ in 0..<60_000 {
            var bytes = Array(seed.utf8)
            for _ in 0...Int.random(in: 0..<3, using: &random) { mutate(&bytes, &random) }
            guard let value = parsed(bytes) else { continue }
            accepted += 1
            let text = value.serialized()
            guard parsed(text) == value, parsed(text)?.serialized() == text else {
                Issue.record("\(bytes) does not survive a round trip")
                return
            }
        }

        #expect(accepted > 1_000)
    }

    private func parsed(_ bytes: [UInt8]) -> JSON? {
        do { return try JSON(parsing: bytes) } catch { return nil }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        guard !bytes.isEmpty else { return }
        let index = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: index)
        case 2: bytes.insert(Array(#"{}[]",:\0-eu "#.utf8).randomElement(using: &random) ?? 0, at: index)
        case 3: bytes.removeSubrange(index...)
        default: bytes.insert(contentsOf: bytes[index...], at: index)
        }
    }
}

/// A generator of the same numbers in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
