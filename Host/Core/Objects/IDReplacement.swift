/// Puts other ids in the place of some, wherever those stand as whole strings of a JSON text.
///
/// The text may come in pieces and may be a stream of server-sent events, since no string of JSON goes over a line. What
/// has to be kept from piece to piece is never longer than the longest id.
package struct IDReplacement: Sendable {
    /// Members whose values are, or hold, ids that a provider may have made up.
    private static let namesOfIDs: Set<String> = ["file_id", "file_ids", "previous_response_id"]
    /// The longest id that is looked for, and the longest name of a member.
    private static let longestString = 512
    /// White space behind a string that is looked at for a colon.
    private static let longestSpace = 64

    private enum Place {
        case outside
        /// In a string that is none of the ids.
        case inString
        case afterBackslash
    }

    private var replacements: [String: [UInt8]] = [:]
    private var lengths: Set<Int> = []
    private var place = Place.outside
    /// A string that has begun.
    private var carried: [UInt8] = []
    /// The latest member's name, if its values may be ids.
    private var name: String?

    /// Makes a replacement that changes nothing yet.
    package init() {}

    /// The ids that are replaced, with what stands in their place: the contents of a string, or nil for null.
    package private(set) var texts: [String: String?] = [:]

    /// Has an id replaced.
    ///
    /// - Parameters:
    ///   - id: The id; one longer than 512 bytes is never found.
    ///   - replacement: What takes its place, which needs no escapes; nil for JSON's null.
    package mutating func replace(_ id: String, with replacement: String?) {
        texts[id] = .some(replacement)
        replacements[id] = Array((replacement.map { "\"\($0)\"" } ?? "null").utf8)
        lengths.insert(id.utf8.count)
    }

    /// Takes the next piece of a text.
    ///
    /// - Parameter piece: Lent for this call.
    /// - Returns: What can be said of the text by now.
    package mutating func take(_ piece: UnsafeRawBufferPointer) -> [UInt8] {
        var output: [UInt8] = []
        read(piece, isLast: false, into: &output) { _, _ in }
        return output
    }

    /// Takes the end of a text.
    ///
    /// - Returns: What was kept back.
    package mutating func finish() -> [UInt8] {
        var output: [UInt8] = []
        read(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, into: &output) { _, _ in }
        return output
    }

    /// Rewrites a whole text.
    package func replaced(in whole: UnsafeRawBufferPointer) -> [UInt8] {
        var copy = self
        var output: [UInt8] = []
        copy.read(whole, isLast: true, into: &output) { _, _ in }
        return output
    }

    /// The ids in the next piece that stand where providers put theirs and that nobody has said a replacement for.
    ///
    /// - Parameters:
    ///   - piece: What ``take(_:)`` is called with next; lent for this call.
    ///   - isLast: Whether it is the whole rest of the text.
    /// - Returns: Each once.
    package func unknownIDs(in piece: UnsafeRawBufferPointer, isLast: Bool) -> Set<String> {
        var copy = self
        var (ids, output): (Set<String>, [UInt8]) = ([], [])
        copy.read(piece, isLast: isLast, into: &output) { id, isKnown in
            if !isKnown { ids.insert(id) }
        }
        return ids
    }

    private mutating func read(
        _ piece: UnsafeRawBufferPointer,
        isLast: Bool,
        into output: inout [UInt8],
        _ note: (_ id: String, _ isKnown: Bool) -> Void
    ) {
        guard carried.isEmpty else {
            var text: [UInt8] = []
            swap(&text, &carried)
            text.append(contentsOf: piece)
            return text.withUnsafeBytes { readOn($0, isLast: isLast, into: &output, note) }
        }
        readOn(piece, isLast: isLast, into: &output, note)
    }

    private mutating func readOn(
        _ text: UnsafeRawBufferPointer,
        isLast: Bool,
        into output: inout [UInt8],
        _ note: (_ id: String, _ isKnown: Bool) -> Void
    ) {
        output.reserveCapacity(output.count + text.count)
        var (index, copied) = (0, 0)
        func copy(upTo end: Int) {
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[copied..<end]))
            copied = end
        }
        while index < text.count {
            switch place {
            case .afterBackslash:
                place = .inString
                index += 1
            case .inString:
                index = skipString(text, from: index)
            case .outside:
                guard text[index] == UInt8(ascii: "\"") else {
                    index += 1
                    continue
                }
                switch Self.token(in: text, at: index, isLast: isLast) {
                case .unfinished:
                    copy(upTo: index)
                    carried = Array(text[index...])
                    return
                case .other:
                    place = .inString
                    index += 1
                case .name(let contents):
                    let isOfInterest = contents.count <= 20
                    let text = isOfInterest ? String(decoding: text[contents], as: UTF8.self) : ""
                    name = Self.namesOfIDs.contains(text) ? text : nil
                    index = contents.upperBound + 1
                case .value(let contents):
                    if lengths.contains(contents.count) || name != nil {
                        let id = String(decoding: text[contents], as: UTF8.self)
                        let replacement = replacements[id]
                        if name != nil || replacement != nil { note(id, replacement != nil) }
                        if let replacement {
                            copy(upTo: index)
                            output.append(contentsOf: replacement)
                            copied = contents.upperBound + 1
                        }
                    }
                    if name != "file_ids" { name = nil }
                    index = contents.upperBound + 1
                }
            }
        }
        copy(upTo: text.count)
    }

    /// Goes to the end of a string that is none of the ids, or of what there is of it.
    private mutating func skipString(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index < text.count {
            defer { index += 1 }
            switch text[index] {
            case UInt8(ascii: "\\"):
                place = .afterBackslash
                return index + 1
            case UInt8(ascii: "\""), UInt8(ascii: "\n"):
                place = .outside
                return index + 1
            default: continue
            }
        }
        return index
    }

    private enum Token {
        /// The text ends before one can know.
        case unfinished
        /// A string that is too long or has escapes.
        case other
        case name(Range<Int>)
        case value(Range<Int>)
    }

    private static func token(in text: UnsafeRawBufferPointer, at quote: Int, isLast: Bool) -> Token {
        let start = quote + 1
        let limit = min(text.count, start + longestString + 1)
        var end = start
        while end < limit, text[end] != UInt8(ascii: "\"") {
            if text[end] == UInt8(ascii: "\\") || text[end] == UInt8(ascii: "\n") { return .other }
            end += 1
        }
        guard end < limit else { return end - start > longestString || isLast ? .other : .unfinished }
        let spaceEnd = min(text.count, end + 1 + longestSpace)
        var next = end + 1
        while next < spaceEnd, [0x20, 0x09, 0x0a, 0x0d].contains(text[next]) { next += 1 }
        if next == text.count, next < end + 1 + longestSpace, !isLast { return .unfinished }
        let isName = next < text.count && text[next] == UInt8(ascii: ":")
        return isName ? .name(start..<end) : .value(start..<end)
    }
}
