import HostCore
import Testing

struct RequestScannerSyntaxTests {
    @Test(arguments: [
        "{}", " \t\r\n{ } \n", #"{"a":0}"#, #"{"a":-0}"#, #"{"a":-1.5e+10}"#, #"{"a":1E400}"#, #"{"a":0.0}"#,
        #"{"a":123456789012345678901234567890}"#, #"{"a":[]}"#, #"{"a":[1 , 2,"x",true,false,null,{}]}"#,
        #"{"":""}"#, #"{"a":"\"\\\/\b\f\n\r\t\u00e9\uD834\uDD1E"}"#, #"{"a":"é漢😀"}"#, #"{"a":"\u0000"}"#,
    ])
    func validTextsAreAccepted(body: String) throws {
        _ = try scanned(Array(body.utf8))
    }

    @Test(arguments: [
        "", " ", "null", "[]", #""a""#, "{", "}", "{]", "[}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{,"a":1}"#,
        #"{"a":1 "b":2}"#, #"{a:1}"#, #"{'a':1}"#, #"{"a":[1,]}"#, #"{"a":[,1]}"#, #"{"a":[1 2]}"#, #"{"a":[1}}"#,
        #"{"a":1]"#, "{}{}", "{},", "{} x", #"{"a":01}"#, #"{"a":-}"#, #"{"a":-01}"#, #"{"a":+1}"#, #"{"a":.5}"#,
        #"{"a":1.}"#, #"{"a":1.e5}"#, #"{"a":1e}"#, #"{"a":1e+}"#, #"{"a":0x1}"#, #"{"a":NaN}"#, #"{"a":Infinity}"#,
        #"{"a":tru}"#, #"{"a":True}"#, #"{"a":nul}"#, #"{"a":nulll}"#, #"{"a":"b}"#, #"{"a":"\x"}"#, #"{"a":"\"}"#,
        #"{"a":"\u12"}"#, #"{"a":"\u12g4"}"#, #"{"a":"\uD834"}"#, #"{"a":"\uDD1E"}"#, #"{"a":"\uD834\uD834"}"#,
        #"{"a":"\uD834x"}"#, #"{"a":"\uD834\n"}"#, "{\"a\":\"\u{1}\"}", "{\"a\":\"\n\"}", "{\"a\":\"\t\"}",
        "{\"a\n\":1}", "\u{feff}{}", "{\u{a0}}", "{\u{c}}", "// c\n{}", "{/**/}", #"{"a":1}/"#,
    ])
    func invalidTextsAreRefused(body: String) {
        #expect(throws: RuleError.self) { try scanned(Array(body.utf8)) }
    }

    @Test(
        arguments: [
            [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc2], [0xc2, 0x22], [0xe0, 0x9f, 0xbf], [0xe2, 0x82],
            [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x9f, 0x98],
            [0xf4, 0x90, 0x80, 0x80],
            [0xf5, 0x80, 0x80, 0x80], [0xff], [0xfe], [0xe2, 0x28, 0xa1], [0xc3, 0xa9, 0x80],
        ] as [[UInt8]]
    )
    func whatIsNotUTF8IsRefusedWhereverItStands(bytes: [UInt8]) {
        for padding in 0..<40 {
            let body = Array(#"{"a":""#.utf8) + [UInt8](repeating: 0x61, count: padding) + bytes + Array("\"}".utf8)
            #expect(throws: RuleError.self) { try scanned(body) }
        }
        #expect(throws: RuleError.self) { try scanned(Array("{\"".utf8) + bytes + Array("\":1}".utf8)) }
        #expect(throws: RuleError.self) { try scanned(Array("{".utf8) + bytes + Array("}".utf8)) }
    }

    @Test(arguments: 0xe0...0xef as ClosedRange<UInt8>)
    func charactersOfThreeBytesAreJudgedAsSwiftJudgesThem(lead: UInt8) {
        for second in [0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0] as [UInt8] {
            for third in [0x22, 0x7f, 0x80, 0xbf, 0xc0] as [UInt8] {
                // They are read in pairs, so each has to stand first, second and alone.
                for neighbours in [("", ""), ("漢", ""), ("", "漢"), ("漢字", "é漢字")] {
                    let text = Array(neighbours.0.utf8) + [lead, second, third] + Array(neighbours.1.utf8)
                    let isValid = String(validating: text, as: UTF8.self) != nil

                    let isAccepted =
                        (try? scanned(Array(#"{"a":""#.utf8) + text + Array(#"","b":[1,2,3]}"#.utf8))) != nil

                    #expect(isAccepted == isValid, "\(text)")
                }
            }
        }
    }

    @Test
    func everyByteIsJudgedAlikeWhereverItStandsInAString() {
        for byte in 0..<256 as Range<UInt16> {
            let verdicts = Set(
                (0..<72).map { padding in
                    let filler = [UInt8](repeating: 0x61, count: padding)
                    let body = Array(#"{"a":""#.utf8) + filler + [UInt8(byte)] + filler + Array("\"}".utf8)
                    do {
                        _ = try scanned(body)
                        return true
                    } catch {
                        return false
                    }
                }
            )
            let isPlain = byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5c
            #expect(verdicts.count == 1 || byte == 0x5c, "\(byte)")
            #expect(byte == 0x22 || byte == 0x5c || verdicts == [isPlain], "\(byte)")
        }
    }

    @Test
    func everyTruncationIsRefused() throws {
        let body = Array(
            #"{"model":"m\u00e9","x":[1.5e3,true,null,{"é":"\ud83d\ude00"}],"file_ids":["a"]} "#.utf8
        )
        _ = try scanned(body)

        for length in 0..<body.count - 1 {
            #expect(throws: RuleError.self) { try scanned(Array(body[..<length])) }
        }
    }

    @Test
    func theOffsetOfTheFaultIsTold() {
        let error = #expect(throws: RuleError.self) { try scanned(Array(#"{"a":1,,}"#.utf8)) }

        #expect(error?.message == "The request body is not valid JSON: an unexpected character at byte 7.")
        #expect(error?.parameter == nil)
    }
}
