/// Something that was sent along with a question.
struct Attachment: Sendable {
    /// "file", "image", "recording" or "link".
    let kind: String
    let name: String?
    let mimeType: String?
    let bytes: Int?
    let sha256: String?

    fileprivate var description: String {
        let facts = [
            mimeType, bytes.map { "\(Self.grouped($0)) \($0 == 1 ? "byte" : "bytes")" },
            sha256.map { "sha256 \($0.prefix(12))…" },
        ]
        let known = facts.compactMap(\.self).joined(separator: ", ")
        return [name.map { "\"\($0)\"" }, known.isEmpty ? nil : "(\(known))"].compactMap(\.self).joined(separator: " ")
    }

    private static func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        return digits.indices.reduce(into: "") { text, index in
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digits[index])
        }
    }
}

/// What a simulated model says: always the same to the same request, and what it was given.
struct AnswerText: Sendable {
    private static let questionLimit = 500

    let model: String
    var attachments: [Attachment] = []
    var question = ""
    var toolResults: [(name: String, text: String)] = []

    var text: String {
        var sentences = ["\(model) here."]
        for kind in ["file", "image", "recording", "link"] {
            let some = attachments.filter { $0.kind == kind }
            guard !some.isEmpty else { continue }
            let verb = kind == "image" ? "saw" : kind == "recording" ? "heard" : "read"
            let list = some.map(\.description).joined(separator: "; ")
            sentences.append("I \(verb) \(some.count) \(kind)\(some.count == 1 ? "" : "s"): \(list).")
        }
        for result in toolResults {
            sentences.append("The tool \(result.name) answered: \(Self.quoted(result.text)).")
        }
        sentences.append(question.isEmpty ? "You asked nothing." : "You asked: \(Self.quoted(question))")
        return sentences.joined(separator: " ")
    }

    /// The same as a JSON object, for models that were asked for JSON.
    var json: JSON {
        [
            "model": .string(model), "answer": .string(text),
            "files": .array(attachments.compactMap(\.name).map(JSON.string)), "question": .string(question),
        ]
    }

    private static func quoted(_ text: String) -> String {
        text.count > questionLimit ? "\"\(text.prefix(questionLimit))…\"" : "\"\(text)\""
    }
}

/// A model's text cut into tokens of four characters, which is what the simulators count.
enum Tokens {
    /// How many tokens `text` has.
    static func count(of text: String) -> Int { (text.count + 3) / 4 }

    /// The first tokens of `text`, and whether that is not all of it.
    static func cut(_ text: String, to limit: Int?) -> (text: String, isCut: Bool) {
        guard let limit, count(of: text) > limit else { return (text, false) }
        return (String(text.prefix(limit * 4)), true)
    }

    /// Splits text into the pieces of a stream, at spaces; together they are the text.
    static func pieces(of text: String, words: Int = 2) -> [String] {
        var pieces: [String] = []
        var piece = ""
        var count = 0
        for character in text {
            piece.append(character)
            guard character == " " else { continue }
            count += 1
            guard count % words == 0 else { continue }
            pieces.append(piece)
            piece = ""
        }
        return piece.isEmpty ? pieces : pieces + [piece]
    }
}
