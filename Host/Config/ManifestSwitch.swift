/// Changes `enabled` in the text of a manifest.
///
/// A change is proposed in the text, and taken if what the text means is then the same but for `enabled`: so it does not
/// matter how odd the YAML is.
package enum ManifestSwitch {
    /// The manifest's text with `enabled` set.
    ///
    /// - Parameters:
    ///   - isEnabled: What it is to say.
    ///   - file: The manifest; it need not be right in everything else.
    /// - Returns: The bytes with one word changed or one line added; the same if it says so already.
    /// - Throws: ``ConfigurationError`` if it is no YAML, or writes `enabled` in a way that only a person can change.
    package static func set(_ isEnabled: Bool, in file: ManifestFile) throws(ConfigurationError) -> [UInt8] {
        let document = try YAMLDocument.read(file.bytes, file: file.path)
        let reader = PluginManifestReader(reader: ValueReader(environment: [:]))
        let root = try reader.reader.mapping(document)
        let entry = root.entries.first { $0.key == "enabled" }
        if entry == nil && isEnabled { return file.bytes }
        if case .bool(isEnabled)? = entry?.value.content { return file.bytes }
        let text = String(decoding: file.bytes, as: UTF8.self)
        let wanted = root.entries.filter { $0.key != "enabled" }
        for candidate in candidates(text, entry: entry, isEnabled: isEnabled, root: root) {
            let bytes = Array(candidate.utf8)
            if says(bytes, enabled: isEnabled, besides: wanted, file: file.path) { return bytes }
        }
        throw ConfigurationError(
            .unsupported,
            at: entry?.value.location ?? document.location,
            "enabled cannot be changed here. Write `enabled: \(isEnabled)` by hand."
        )
    }

    private static func says(_ bytes: [UInt8], enabled: Bool, besides wanted: [SourceEntry], file: String) -> Bool {
        do throws(ConfigurationError) {
            let root = try ValueReader(environment: [:]).mapping(try YAMLDocument.read(bytes, file: file))
            guard case .bool(enabled)? = root.entries.first(where: { $0.key == "enabled" })?.value.content else {
                return false
            }
            return SourceEntry.haveSameContent(root.entries.filter { $0.key != "enabled" }, wanted)
        } catch {
            // The proposal was no YAML.
            return false
        }
    }

    // MARK: Proposals

    private static func candidates(
        _ text: String,
        entry: SourceEntry?,
        isEnabled: Bool,
        root: SourceMapping
    ) -> [String] {
        let lines = Lines(text)
        guard let entry else { return added(to: lines, root: root, isEnabled: isEnabled) }
        return changed(lines, line: entry.value.location.line, isEnabled: isEnabled)
    }

    /// The word after each `enabled:` of a line replaced; flow mappings may have several on one.
    private static func changed(_ lines: Lines, line number: Int, isEnabled: Bool) -> [String] {
        guard lines.lines.indices.contains(number - 1) else { return [] }
        let line = lines.lines[number - 1]
        return line.ranges(of: "enabled").compactMap { range in
            var rest = line[range.upperBound...]
            if let quote = rest.first, quote == "\"" || quote == "'" { rest.removeFirst() }
            rest = rest.drop { $0 == " " || $0 == "\t" }
            guard rest.first == ":" else { return nil }
            rest.removeFirst()
            let gap = rest.prefix { $0 == " " || $0 == "\t" }
            rest = rest[gap.endIndex...]
            let word = rest.prefix { $0.isLetter || $0 == "~" }
            let before = line[..<word.startIndex] + (gap.isEmpty ? " " : "")
            let after = line[word.endIndex...]
            let blank = word.isEmpty && after.first == "#" ? " " : ""
            return lines.replacing(number - 1, with: "\(before)\(isEnabled)\(blank)\(after)")
        }
    }

    /// A line at the end, a line before the first key, and a member of a mapping in braces.
    private static func added(to lines: Lines, root: SourceMapping, isEnabled: Bool) -> [String] {
        let line = "enabled: \(isEnabled)"
        let first = (root.entries.map(\.value.location.line).min() ?? 1) - 1
        var candidates = [lines.appending(line), lines.inserting(line, at: first)]
        if let brace = lines.text.firstIndex(of: "{") {
            let end = lines.text.index(after: brace)
            candidates.append("\(lines.text[..<end])\"enabled\": \(isEnabled), \(lines.text[end...])")
        }
        return candidates
    }
}

/// The lines of a text, each with its end.
private struct Lines {
    let text: String
    let lines: [Substring]

    init(_ text: String) {
        self.text = text
        var lines: [Substring] = []
        var start = text.startIndex
        // A line's end is one character, also if it is two bytes.
        while let end = text[start...].firstIndex(where: { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }) {
            lines.append(text[start...end])
            start = text.index(after: end)
        }
        if start < text.endIndex { lines.append(text[start...]) }
        self.lines = lines
    }

    private var lineEnd: String { lines.first?.last.map { $0.isNewline ? String($0) : "\n" } ?? "\n" }

    func replacing(_ index: Int, with line: String) -> String {
        lines[..<index].joined() + line + lines[(index + 1)...].joined()
    }

    func inserting(_ line: String, at index: Int) -> String {
        let index = max(0, min(index, lines.count))
        return lines[..<index].joined() + line + lineEnd + lines[index...].joined()
    }

    func appending(_ line: String) -> String {
        let isClosed = lines.last?.last?.isNewline ?? true
        return text + (isClosed ? "" : lineEnd) + line + lineEnd
    }
}

extension SourceEntry {
    /// Whether two mappings have the same keys and values in the same order, wherever those stand.
    fileprivate static func haveSameContent(_ first: [SourceEntry], _ second: [SourceEntry]) -> Bool {
        first.elementsEqual(second) { $0.key == $1.key && $0.value.hasSameContent(as: $1.value) }
    }
}

extension SourceValue {
    fileprivate func hasSameContent(as other: SourceValue) -> Bool {
        switch (content, other.content) {
        case (.null, .null): true
        case (.bool(let first), .bool(let second)): first == second
        case (.integer(let first), .integer(let second)): first == second
        case (.double(let first), .double(let second)): first == second
        case (.string(let first), .string(let second)): Array(first.utf8) == Array(second.utf8)
        case (.list(let first), .list(let second)): first.elementsEqual(second) { $0.hasSameContent(as: $1) }
        case (.map(let first), .map(let second)): SourceEntry.haveSameContent(first, second)
        default: false
        }
    }
}
