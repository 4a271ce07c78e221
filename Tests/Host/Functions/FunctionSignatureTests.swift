import HostFunctions
import Testing

struct FunctionSignatureTests {
    @Test(arguments: [
        "void()", "i32(i32)", "i64(i64, f64)", "f64(cstr)", "cstr(bytes)", "owned:free(out)", "status(bytes, out)",
        "owned:acme_free.v1$2(cstr)", "void(i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32)",
    ])
    func aSignatureReadsAsItIsWritten(text: String) throws {
        #expect(try FunctionSignature(parsing: text).description == text)
    }

    @Test
    func blanksBetweenTheWordsMeanNothing() throws {
        let plain = try FunctionSignature(parsing: "owned:free(cstr,out)")

        #expect(try FunctionSignature(parsing: " owned : free ( cstr ,out )  ") == plain)
    }

    @Test(arguments: [
        ("", 1, "nothing is no result"), ("int(cstr)", 1, "\"int\" is no result"), ("i32", 4, "expected ("),
        ("i32(", 5, "nothing is no argument"), ("i32(cstr", 9, "expected , or )"),
        ("i32(cstr,)", 10, "nothing is no argument"), ("i32(int)", 5, "\"int\" is no argument"),
        ("i32(void)", 5, "Write () for none"), ("i32(cstr, status)", 11, "\"status\" is no argument"),
        ("i32(cstr) x", 11, "after the )"), ("owned(cstr)", 6, "expected :"), ("owned:(cstr)", 7, "frees the text"),
        ("owned:1free()", 7, "frees the text"), ("i32(cstr; out)", 9, "expected , or )"),
        ("I32()", 1, "no result"), ("i32(cstr\n)", 9, "expected , or )"), ("i32(ö)", 5, "nothing is no argument"),
        ("void(i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i64)", 54, "at most 12"),
    ])
    func whatIsWrongIsToldWithItsPosition(text: String, position: Int, reason: String) {
        let error = #expect(throws: FunctionSignatureError.self) { try FunctionSignature(parsing: text) }

        #expect(error?.position == position)
        #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
    }

    @Test
    func aSignatureOfAMegabyteIsRefused() {
        let text = "i32(" + String(repeating: " ", count: 1 << 20) + ")"

        let error = #expect(throws: FunctionSignatureError.self) { try FunctionSignature(parsing: text) }

        #expect(error?.position == 513)
    }

    @Test
    func whateverIsParsedIsRefusedAtAPlaceInItOrReadsAsItself() {
        var generator = LinearGenerator(seed: 0x5eed)
        let words = [
            "i32", "i64", "f64", "cstr", "bytes", "out", "void", "status", "owned", ":", "free", "(", ")", ",", " ",
        ]
        var accepted = 0
        for _ in 0..<20_000 {
            var text = generator.next() % 2 == 0 ? "i32(" : ""
            for _ in 0..<(generator.next() % 12) { text += words[Int(generator.next() % UInt64(words.count))] }
            if generator.next() % 4 == 0 { text.unicodeScalars.append(Unicode.Scalar(UInt8(generator.next() % 128))) }
            if generator.next() % 2 == 0 { text += ")" }
            do throws(FunctionSignatureError) {
                let signature = try FunctionSignature(parsing: text)
                accepted += 1
                #expect((try? FunctionSignature(parsing: signature.description)) == signature)
            } catch {
                #expect((1...text.utf8.count + 1).contains(error.position), "\(text): \(error)")
            }
        }
        #expect(accepted > 100)
    }

    @Test(arguments: [
        ("model_name", "i32(cstr, out)"), ("model_name", "cstr(cstr)"), ("model_name", "owned:free(bytes, cstr)"),
        ("sign", "status(cstr, cstr, bytes, i64, out)"), ("sign", "cstr()"), ("request_body", "void(out, cstr)"),
        ("count_tokens", "i64(bytes)"), ("count_tokens", "i32(cstr, cstr)"), ("stream_chunk", "status(bytes, out)"),
        ("file_ref", "status(cstr, cstr, cstr, out)"), ("response_body", "owned:free(cstr)"),
    ])
    func aHookTakesSignaturesThatMakeSenseForIt(hook: String, signature: String) throws {
        try #require(FunctionHook(named: hook)).check(try FunctionSignature(parsing: signature))
    }

    @Test(arguments: [
        ("model_name", "i32(i32, out)", 5, "model of model_name is taken as cstr or bytes"),
        ("model_name", "i32(cstr, cstr, cstr, out)", 17, "no more inputs than model, operation"),
        ("model_name", "i32(cstr)", 1, "needs an out"), ("model_name", "status()", 1, "needs an out"),
        ("model_name", "f64(cstr, out)", 1, "the result of model_name is cstr"),
        ("model_name", "i64(cstr, out)", 1, "the result of model_name is cstr"),
        ("model_name", "cstr(cstr, out)", 1, "one result"), ("model_name", "i32(cstr, out, out)", 16, "has one out"),
        ("count_tokens", "i64(bytes, out)", 12, "has no out"), ("count_tokens", "f64(bytes)", 1, "i64 or i32"),
        ("sign", "cstr(cstr, cstr, bytes, cstr)", 25, "time of sign is taken as i64"),
        ("stream_chunk", "void(bytes)", 1, "needs an out"),
    ])
    func aHookRefusesOthersWithThePosition(hook: String, text: String, position: Int, reason: String) throws {
        let hook = try #require(FunctionHook(named: hook))
        let signature = try FunctionSignature(parsing: text)

        let error = #expect(throws: FunctionSignatureError.self) { try hook.check(signature) }

        #expect(error?.position == position)
        #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
    }
}

/// Numbers that are the same in every run.
private struct LinearGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
