import CGantryPlugin
import GantryPlugin

/// Why a text is not a script.
package struct ScriptError: Error, Equatable, CustomStringConvertible {
    /// The line, from 1.
    package let line: Int
    package let message: String

    package var description: String { "line \(line): \(message)" }
}

extension ConformanceScript {
    /// Reads the scripts of a file.
    ///
    /// A script is lines of a word and what belongs to it, to the end of the line; empty ones and those that begin with
    /// `#` do not count. A JSON text stands on one line.
    ///
    /// | word | what follows |
    /// |---|---|
    /// | `gantry-script` | `1`; the script begins |
    /// | `name` | what it is called in messages |
    /// | `operation` | a `GANTRY_OP_…` in lower case without the prefix: `chat`, `file_create` |
    /// | `configuration` | the instance's, as JSON; `{}` unless it is given |
    /// | `params` | the deployment's, as the plugin gets them, as JSON; guessed from `describe` unless given |
    /// | `flags` | `stream`, `retry`, `replayable` |
    /// | `source` | the length of the source in bytes |
    /// | `input` | START's data |
    /// | `ref` | a place in it, as JSON: `kind` (`model`, `file`, `response`), `offset`, `length`, `client_id`, `upstream_id`, `mime_type`, `filename` |
    /// | `line` | the source's next line; `line-ref` a place in it |
    /// | `token` | the next access token; or `token-failure` with a `GANTRY_ERR_…` and a message |
    /// | `answer` | the status of the upstream's answer to the next request; further requests get the last one again |
    /// | `failure` | no answer but a `GANTRY_NET_…` and a detail |
    /// | `header`, `trailer` | `name: value` of the last answer |
    /// | `body`, `body-line`, `body-hex` | the next piece of its body: as it stands, with a line feed behind it, as hexadecimal digits |
    /// | `break` | a `GANTRY_NET_…` with which the answer breaks off behind its body |
    /// | `expect` | the next command: `http METHOD URL`, `output DATA`, `result DATA`, `error CLASS MESSAGE`, `remember KIND ID`, `forget KIND ID`, `token SCOPE`, `wait MS`, `usage DATA`, `pipe`, `pull`, `abort`; a `*` at its end stands for anything |
    ///
    /// - Parameter text: UTF-8; one script or several.
    /// - Returns: At least one script.
    /// - Throws: ``ScriptError`` with the line and what should stand there.
    package static func parse(_ text: [UInt8]) throws(ScriptError) -> [ConformanceScript] {
        var parser = ScriptParser()
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            try parser.read(line.last == UInt8(ascii: "\r") ? line.dropLast() : line, number: index + 1)
        }
        return try parser.finish()
    }
}

private struct ScriptParser {
    private var finished: [ConformanceScript] = []
    private var current: ConformanceScript?
    private var hasOperation = false
    private var number = 0

    mutating func read(_ line: ArraySlice<UInt8>, number: Int) throws(ScriptError) {
        self.number = number
        if line.isEmpty || line.first == UInt8(ascii: "#") { return }
        let word = String(decoding: line.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
        let rest = Array(line.dropFirst(word.utf8.count + 1))
        if word == "gantry-script" {
            guard rest == Array("1".utf8) else { throw fault("only scripts of version 1 are known") }
            try close()
            current = ConformanceScript("line \(number)", operation: 0)
            return
        }
        guard var script = current else { throw fault("a file of scripts begins with `gantry-script 1`") }
        try apply(word, rest, to: &script)
        current = script
    }

    mutating func finish() throws(ScriptError) -> [ConformanceScript] {
        try close()
        guard !finished.isEmpty else { throw fault("there is no script: it begins with `gantry-script 1`") }
        return finished
    }

    private mutating func close() throws(ScriptError) {
        guard let script = current else { return }
        guard hasOperation else { throw fault("the script before this line has no `operation`") }
        finished.append(script)
        (current, hasOperation) = (nil, false)
    }

    private mutating func apply(
        _ word: String,
        _ rest: [UInt8],
        to script: inout ConformanceScript
    ) throws(ScriptError) {
        let text = String(decoding: rest, as: UTF8.self)
        switch word {
        case "name": script.name = text
        case "operation":
            guard let kind = ScriptOperation.kind(text) else { throw fault("there is no operation `\(text)`") }
            script.operation = kind
            hasOperation = true
        case "configuration": script.configuration = try object(rest).serialized()
        case "params": script.parameters = try object(rest).serialized()
        case "flags": script.flags = try flags(text)
        case "source": script.sourceLength = try number(text)
        case "input": script.input = rest
        case "ref": script.references.append(try reference(rest))
        case "line": script.lines.append(.init(bytes: rest))
        case "line-ref":
            guard !script.lines.isEmpty else { throw fault("`line-ref` comes after a `line`") }
            script.lines[script.lines.count - 1].references.append(try reference(rest))
        case "token": script.tokens.append(.init(value: text))
        case "token-failure":
            let (code, detail) = try coded(text)
            script.tokens.append(.init(value: detail, failure: code))
        case "answer":
            var answer = ConformanceScript.Answer()
            answer.status = Int32(clamping: try number(text))
            script.answers.append(answer)
        case "failure":
            var answer = ConformanceScript.Answer()
            (answer.failure, answer.isRefused) = (try coded(text), true)
            script.answers.append(answer)
        case "expect": script.expected = (script.expected ?? []) + [text]
        default: try applyToAnswer(word, rest, to: &script)
        }
    }

    private func applyToAnswer(
        _ word: String,
        _ rest: [UInt8],
        to script: inout ConformanceScript
    ) throws(ScriptError) {
        let words = ["header", "trailer", "body", "body-line", "body-hex", "break"]
        guard words.contains(word) else { throw fault("`\(word)` is no word of a script") }
        guard var answer = script.answers.last else { throw fault("`\(word)` comes after an `answer`") }
        switch word {
        case "header": answer.headers.append(try header(rest))
        case "trailer": answer.trailers.append(try header(rest))
        case "body": answer.body.append(rest)
        case "body-line": answer.body.append(rest + [UInt8(ascii: "\n")])
        case "body-hex": answer.body.append(try hexadecimal(rest))
        default: answer.failure = try coded(String(decoding: rest, as: UTF8.self))
        }
        script.answers[script.answers.count - 1] = answer
    }

    private func fault(_ message: String) -> ScriptError { ScriptError(line: number, message: message) }

    private func number(_ text: String) throws(ScriptError) -> UInt64 {
        guard let number = UInt64(text) else { throw fault("a number is missing") }
        return number
    }

    private func coded(_ text: String) throws(ScriptError) -> (Int32, String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        guard let first = parts.first, let code = Int32(first) else { throw fault("a code in digits is missing") }
        return (code, parts.count > 1 ? String(parts[1]) : "")
    }

    private func object(_ bytes: [UInt8]) throws(ScriptError) -> JSON {
        do throws(JSONError) {
            let json = try JSON(parsing: bytes)
            guard json.object != nil else { throw JSONError(offset: 0, message: "no object stands") }
            return json
        } catch {
            throw fault("a JSON object is missing: \(error)")
        }
    }

    private func flags(_ text: String) throws(ScriptError) -> UInt32 {
        let known = [
            "stream": GANTRY_IN_STREAM, "retry": GANTRY_IN_RETRY, "replayable": GANTRY_IN_SOURCE_REPLAYABLE,
        ]
        var flags: UInt32 = 0
        for word in text.split(separator: " ") {
            guard let flag = known[String(word)] else { throw fault("the flags are stream, retry and replayable") }
            flags |= UInt32(flag)
        }
        return flags
    }

    private func header(_ bytes: [UInt8]) throws(ScriptError) -> ScriptedHeader {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { throw fault("a header is `name: value`") }
        let value = bytes[(colon + 1)...].drop { $0 == UInt8(ascii: " ") }
        let name = String(decoding: bytes[..<colon], as: UTF8.self)
        return ScriptedHeader(name: name.lowercased(), value: String(decoding: value, as: UTF8.self))
    }

    private func reference(_ bytes: [UInt8]) throws(ScriptError) -> ScriptedReference {
        let json = try object(bytes)
        let kinds = ["model": GANTRY_REF_MODEL, "file": GANTRY_REF_FILE, "response": GANTRY_REF_RESPONSE]
        guard let kind = json["kind"]?.string.flatMap({ kinds[$0] }), let offset = json["offset"]?.integer,
            let length = json["length"]?.integer, offset >= 0, length >= 0
        else { throw fault(#"a reference is {"kind": "model", "offset": 0, "length": 0, "upstream_id": ""}"#) }
        return ScriptedReference(
            kind: UInt32(kind),
            offset: UInt64(offset),
            length: UInt64(length),
            clientID: json["client_id"]?.string ?? "",
            upstreamID: json["upstream_id"]?.string ?? "",
            mimeType: json["mime_type"]?.string ?? "",
            filename: json["filename"]?.string ?? ""
        )
    }

    private func hexadecimal(_ bytes: [UInt8]) throws(ScriptError) -> [UInt8] {
        guard bytes.count.isMultiple(of: 2) else { throw fault("hexadecimal bytes have two digits each") }
        var result: [UInt8] = []
        for index in stride(from: 0, to: bytes.count, by: 2) {
            guard let byte = UInt8(String(decoding: bytes[index..<index + 2], as: UTF8.self), radix: 16) else {
                throw fault("hexadecimal bytes have two digits each")
            }
            result.append(byte)
        }
        return result
    }
}
