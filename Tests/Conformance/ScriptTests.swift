import Foundation
import PluginConformance
import Testing

struct ScriptTests {
    private func parse(_ text: String) throws(ScriptError) -> [ConformanceScript] {
        try ConformanceScript.parse(Array(text.utf8))
    }

    private let full = """
        # Everything that a script can say.
        gantry-script 1
        name an upload
        operation file_create
        configuration {}
        params {"model": "m"}
        flags stream retry replayable
        source 12
        input {"filename":"a"}
        ref {"kind":"file","offset":1,"length":2,"client_id":"c","upstream_id":"u","mime_type":"t","filename":"f"}
        line first
        line-ref {"kind":"model","offset":0,"length":1,"upstream_id":"u"}
        token secret-1
        token-failure 10 no such key
        answer 200
        header Content-Type: text/plain
        body abc
        body-line def
        body-hex 00ff
        trailer x-sum: 7
        break 4 reset
        failure 2 nobody there
        expect http POST *
        gantry-script 1
        operation probe
        """

    @Test
    func everyWordIsRead() throws {
        let scripts = try parse(full)

        #expect(scripts.count == 2)
        let script = scripts[0]
        #expect(script.name == "an upload")
        #expect(script.operation == 8)
        #expect(script.parameters == Array(#"{"model":"m"}"#.utf8))
        #expect(script.flags == 7)
        #expect(script.sourceLength == 12)
        #expect(script.references.first?.filename == "f")
        #expect(script.lines.first?.references.first?.upstreamID == "u")
        #expect(script.tokens.map(\.failure) == [0, 10])
        #expect(script.answers.count == 2)
        #expect(script.answers[0].headers == [ScriptedHeader(name: "content-type", value: "text/plain")])
        #expect(script.answers[0].body == [Array("abc".utf8), Array("def\n".utf8), [0, 255]])
        #expect(script.answers[0].failure?.code == 4)
        #expect(script.answers[1].isRefused)
        #expect(script.expected == ["http POST *"])
        #expect(scripts[1].operation == 0)
    }

    @Test(arguments: [
        ("", 1, "there is no script"), ("name a", 1, "begins with `gantry-script 1`"),
        ("gantry-script 2", 1, "version 1"), ("gantry-script 1\n", 2, "has no `operation`"),
        ("gantry-script 1\noperation fly", 2, "no operation `fly`"),
        ("gantry-script 1\nparams [", 2, "a JSON object is missing"),
        ("gantry-script 1\nbody a", 2, "comes after an `answer`"),
        ("gantry-script 1\nline-ref {}", 2, "comes after a `line`"),
        ("gantry-script 1\nanswer x", 2, "a number is missing"),
        ("gantry-script 1\nanswer 200\nbody-hex 0g", 3, "two digits"),
        ("gantry-script 1\nanswer 200\nheader x", 3, "`name: value`"),
        ("gantry-script 1\nflags fast", 2, "stream, retry and replayable"),
        ("gantry-script 1\nwhat 1", 2, "`what` is no word"),
        ("gantry-script 1\nref {\"kind\":\"model\",\"offset\":-1,\"length\":0}", 2, "a reference is"),
    ])
    func aWrongLineIsNamed(text: String, line: Int, message: String) throws {
        let error = try #require(throws: ScriptError.self) { try parse(text) }

        #expect(error.line == line)
        #expect(error.message.contains(message))
    }

    @Test
    func noCutOfAScriptIsReadAsMoreThanItSays() throws {
        let text = Array(full.utf8)
        for count in text.indices {
            do throws(ScriptError) {
                #expect(try !ConformanceScript.parse(Array(text[..<count])).isEmpty)
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }

    @Test
    func whatAScriptExpectsIsCompared() throws {
        let plugin = try CompiledPlugin()
        let script = """
            gantry-script 1
            operation file_delete
            params {"model":"m"}
            input {"id":"file-7"}
            answer 200
            expect http DELETE https://api.example/v1/files/file-7
            expect forget file file-7
            expect result {"id":"file-7"*
            """
        let path = plugin.folder.appending(path: "a.script")
        try Data(script.utf8).write(to: path)
        #expect(try CheckedRule("scripts", of: plugin.library, scripts: path).outcome == .passed(cases: 1))
        try Data(script.replacing("file-7\"*", with: "file-8\"*").utf8).write(to: path)
        let finding = try #require(try CheckedRule("scripts", of: plugin.library, scripts: path).finding)
        try plugin.remove()

        #expect(finding.what.hasPrefix("Command 3 is `result {\"id\":\"file-7\",\"deleted\":true}` instead of"))
    }
}
