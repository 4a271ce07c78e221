import Foundation
import Testing

@testable import HostRegistry

struct JSONTextTests {
    @Test(arguments: [
        [], [""], ["a"], ["gpt-4o-mini-openai", "gemini-2.0-flash"], ["ä", "日本", "🙂"], ["a,b", "[", "]", "\",\""],
        ["\\", "\n", "\u{0}", "\u{7f}"], ["", ""],
    ])
    func whatIsWrittenIsRead(strings: [String]) throws {
        #expect(try JSONText.decode(JSONText.encode(strings), column: "target names") == strings)
    }

    @Test(arguments: [
        #"[ "a" , "b" ]"#, #"["\u0041\"\\"]"#, "[\n]", #"["a","b"]"#, #"["a" ,"b"]"#, "[]", " []", #"["a"] "#,
    ])
    func everyFormOfAListIsReadAsJSONHasIt(text: String) throws {
        let expected = try JSONDecoder().decode([String].self, from: Data(text.utf8))

        #expect(try JSONText.decode(text, column: "target names") == expected)
    }

    @Test(arguments: [
        "", "[", "]", "[]]", "[[]]", #"["a""#, #"["a"#, #"["a]"#, #"["a""b"]"#, #"[,"a"]"#, #"["a",,"b"]"#, #"["a"x]"#,
        "[\"a\n\"]", "[1]", "[null]", #"{"a":1}"#, #""a""#, #"[a]"#, #"["a"]]"#, #"["\"]"#,
    ])
    func anythingElseIsRefused(text: String) {
        #expect(throws: RegistryError.self) { try JSONText.decode(text, column: "target names") }
    }
}
