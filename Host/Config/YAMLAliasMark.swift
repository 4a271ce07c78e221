/// Hides aliases from the parser, so that they are expanded here and counted.
///
/// Yams replaces aliases itself and then hashes the keys of each mapping, what an alias stands for anew at each use: a
/// dozen nested lists of aliases as a key take it hours. So the `*` of an alias becomes a private character, which makes
/// it a plain scalar. Where the same text stands in a string or a comment, ``unmark(_:)`` takes the character out again.
enum YAMLAliasMark {
    /// The character; the document itself may not hold it.
    static let character: Unicode.Scalar = "\u{e000}"

    /// Replaces each `*` that could start an alias.
    static func mark(_ yaml: String) -> String {
        var marked = String.UnicodeScalarView()
        var previous: Unicode.Scalar = "\n"
        for scalar in yaml.unicodeScalars {
            // libyaml starts a token at a line's start, after a blank and after an indicator.
            let mayStartToken = "\n\r \t[]{},:?".unicodeScalars.contains(previous)
            marked.append(scalar == "*" && mayStartToken ? character : scalar)
            previous = scalar
        }
        return String(marked)
    }

    /// The text as it was written.
    static func unmark(_ text: String) -> String {
        guard text.unicodeScalars.contains(character) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == character ? "*" : $0 }))
    }

    /// What follows the mark of a plain scalar; nil if the scalar is no alias.
    static func name(inPlainScalar text: String) -> String? {
        guard text.unicodeScalars.first == character else { return nil }
        return unmark(String(String.UnicodeScalarView(text.unicodeScalars.dropFirst())))
    }
}
