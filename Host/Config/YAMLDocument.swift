import Yams

/// Reads one YAML document into values with places, within limits that hold for any input.
enum YAMLDocument {
    static let maximumBytes = 1 << 20

    /// - Throws: ``ConfigurationError`` with `.unreadable`, `.tooLarge`, `.syntax`, `.duplicate` or `.unsupported`.
    static func read(_ bytes: [UInt8], file: String) throws(ConfigurationError) -> SourceValue {
        let whole = SourceLocation(file: file)
        guard bytes.count <= maximumBytes else {
            throw ConfigurationError(.tooLarge, at: whole, "the file is larger than 1 MiB. Split it or shorten it.")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(.unreadable, at: whole, "the file is not UTF-8 text. Save it as UTF-8.")
        }
        // The mark that some editors put first is no part of the text.
        let yaml = String(String.UnicodeScalarView(text.unicodeScalars.drop { $0 == "\u{feff}" }))
        try refuseForbiddenCharacters(yaml, file: file)
        do {
            // The basic resolver leaves plain scalars alone: YAMLScalar reads them, without regular expressions.
            let parser = try Parser(yaml: YAMLAliasMark.mark(yaml), resolver: .basic, encoding: .utf8)
            // Nodes refer to their anchors weakly; the parser owns them.
            return try withExtendedLifetime(parser) { try value(of: parser.singleRoot(), file: file) }
        } catch let error as ConfigurationError {
            throw error
        } catch let error as YamlError {
            throw translate(error, file: file)
        } catch {
            throw ConfigurationError(.syntax, at: whole, "this is not YAML. Check the syntax.")
        }
    }

    private static func value(of root: Node?, file: String) throws(ConfigurationError) -> SourceValue {
        guard let root, root.scalar.map({ $0.style != .plain || !$0.string.isEmpty }) ?? true else {
            let whole = SourceLocation(file: file)
            throw ConfigurationError(
                .syntax,
                at: whole,
                "the file is empty. See config.example.yaml for what it holds."
            )
        }
        var reader = YAMLNodeReader()
        return try reader.value(of: root, at: SourceLocation(file: file, line: root.mark?.line ?? 1))
    }

    private static func translate(_ error: YamlError, file: String) -> ConfigurationError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            let place = SourceLocation(file: file, line: mark.line)
            if problem.hasPrefix("Maximum nesting level") { return YAMLNodeReader.tooDeep(place) }
            return ConfigurationError(
                .syntax,
                at: place,
                "this is not YAML: \(problem.onOneLine()). Check the line and the ones before it."
            )
        case .duplicatedKeysInMapping(let keys, let context):
            let key = SourceLocation.shown(key: YAMLAliasMark.unmark(keys.min() ?? ""))
            return ConfigurationError(
                .duplicate,
                at: SourceLocation(file: file, line: context.mark.line, key: key),
                "this key stands again further down in the same mapping. Keep one of them."
            )
        default:
            return ConfigurationError(.syntax, at: SourceLocation(file: file), "this is not YAML. Check the syntax.")
        }
    }

    private static func refuseForbiddenCharacters(_ yaml: String, file: String) throws(ConfigurationError) {
        var line = 1
        var previous: Unicode.Scalar = " "
        for scalar in yaml.unicodeScalars {
            if scalar == "\r" || (scalar == "\n" && previous != "\r") { line += 1 }
            previous = scalar
            guard isForbidden(scalar) else { continue }
            throw ConfigurationError(
                .syntax,
                at: SourceLocation(file: file, line: line),
                "the character U+\(String(scalar.value, radix: 16, uppercase: true)) is not allowed. Remove it."
            )
        }
    }

    // YAML 1.1 §5.1, the printable characters, without the three that end a line as no editor shows it.
    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case YAMLAliasMark.character.value, 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff: true
        case 0x09, 0x0a, 0x0d, 0x20...0x7e, 0xa0...0x10ffff: false
        default: true
        }
    }
}
