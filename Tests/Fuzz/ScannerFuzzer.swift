import FoundationEssentials

/// Holds the scanner against Foundation on one input; libFuzzer makes the inputs.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzerTestOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    ScannerFuzzer(UnsafeRawBufferPointer(start: start, count: count)).check()
    return 0
}

/// One comparison.
///
/// Where the two may differ stands in ``isKnownStrictness(_:)`` and ``compare(_:_:)``, and nowhere else.
struct ScannerFuzzer {
    private let bytes: UnsafeRawBufferPointer
    private let tree: JSONTree?

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        do {
            tree = try JSONDecoder().decode(JSONTree.self, from: Data(bytes))
        } catch {
            tree = nil
        }
    }

    func check() {
        do {
            let scan = try RequestScanner.scan(bytes)
            checkRanges(scan)
            if scan.model != nil, scan.others.isEmpty { checkLine(scan) }
            guard let tree else { return fail("Foundation refuses what the scanner accepts") }
            compare(scan, tree)
        } catch {
            guard case .object = tree, let tree, !tree.hasOddNumber, !TreeRules(tree).violation else { return }
            // Foundation does not look into the members that it drops.
            guard memberCount == tree.memberCount else { return }
            if !isKnownStrictness(error) { fail("Foundation accepts what the scanner refuses: \(error)") }
        }
    }

    // What the scanner refuses on purpose: known members that come twice, half of a surrogate pair, a byte order mark,
    // more levels, longer references or more of them than the limits allow. And what Foundation is lenient with: a comma
    // after the last member or element, and texts in UTF-16 or UTF-32, which it tells by their zeros.
    private func isKnownStrictness(_ error: RuleError) -> Bool {
        ["twice", "surrogate", "byte order mark", "levels", "too long", "more than 1000"].contains {
            error.message.contains($0)
        } || hasTrailingComma || bytes.prefix(4).contains(0) || bytes.first ?? 0 >= 0xef
    }

    // Of members that come twice Foundation keeps one, and names that are canonically equivalent are one to it, so what
    // it found can be compared only if it has them all. It has no value for numbers beyond a Double.
    private func compare(_ scan: RequestScan, _ tree: JSONTree) {
        guard case .object = tree else { return fail("the scanner accepts what is no object") }
        guard memberCount == tree.memberCount else { return }
        let rules = TreeRules(tree)
        if rules.violation { fail("the scanner accepts what is against the rules") }
        // Swift compares texts by what they mean; here their bytes count.
        if rules.model.map({ Array($0.utf8) }) != scan.model.map({ Array($0.utf8) }) { fail("another model") }
        if rules.stream != scan.stream || rules.includeUsage != scan.includeUsage { fail("another mode") }
        compareOthers(scan, rules)
        // A path that is cut can be compared only by what follows it.
        guard !scan.ids.contains(where: { $0.path.utf8.count > 250 }) else { return }
        let found = scan.ids.map { Array("\($0.path)=\($0.text)".utf8) }
        if sorted(found) != sorted(rules.places) {
            fail("other places: \(found.map { String(decoding: $0, as: UTF8.self) })")
        }
    }

    // Of what the gateway does not manage the scanner keeps one.
    private func compareOthers(_ scan: RequestScan, _ rules: TreeRules) {
        let followed = scan.others.first { $0.kind == .previousResponse }?.text
        if followed.map({ Array($0.utf8) }) != rules.previousResponse.map({ Array($0.utf8) }) {
            fail("another previous response")
        }
        let unmanaged = scan.others.filter { $0.kind != .previousResponse }
        if unmanaged.isEmpty != rules.unmanaged.isEmpty { fail("other places that are not managed") }
        if !unmanaged.allSatisfy({ place in rules.unmanaged.contains { $0.utf8.elementsEqual(place.text.utf8) } }) {
            fail("places that are not managed have other texts")
        }
    }

    private func sorted(_ places: [[UInt8]]) -> [[UInt8]] { places.sorted { $0.lexicographicallyPrecedes($1) } }

    // Every range must hold the value that is told of it.
    private func checkRanges(_ scan: RequestScan) {
        var values = scan.ids.map { ($0.range, $0.text) } + scan.others.map { ($0.range, $0.text) }
        if let model = scan.model, let range = scan.modelRange { values.append((range, model)) }
        for (range, text) in values {
            do {
                let value = try JSONDecoder().decode(String.self, from: Data(bytes[range]))
                if !value.utf8.elementsEqual(text.utf8) { fail("bytes \(range) are not \(text)") }
            } catch {
                fail("bytes \(range) are no string: \(error)")
            }
        }
    }

    // As the body of a batch's line a request is read as it is by itself, and what is rewritten is a line again.
    private func checkLine(_ scan: RequestScan) {
        let head = Array(#"{"custom_id":"a","method":"POST","url":"/v1/responses","body":"#.utf8)
        let line = head + Array(bytes) + Array("}\n".utf8)
        do {
            let read = try line.withUnsafeBytes { try BatchLine($0) }
            let texts = read.files.map(\.text)
            if texts != scan.ids.map(\.text) { fail("other files as a line of a batch") }
            let names = texts.enumerated().map { ($1, "file-\"\($0)") }
            let files = Dictionary(names) { first, _ in first }
            var output: [UInt8] = []
            try line.withUnsafeBytes { try BatchRewriting(model: "m", files: files).append($0, to: &output) }
            let rewritten = try output.withUnsafeBytes { try BatchLine($0) }
            if rewritten.modelRange.count != 3 || rewritten.files.map(\.text) != texts.compactMap({ files[$0] }) {
                fail("a rewritten line has other places")
            }
        } catch {
            // The line is a level more.
            if !"\(error)".contains("levels") { fail("a request is no line of a batch: \(error)") }
        }
    }

    // Colons outside strings: of a text that is JSON, the number of its members.
    private var memberCount: Int { structure.reduce(0) { $0 + ($1 == UInt8(ascii: ":") ? 1 : 0) } }

    private var hasTrailingComma: Bool {
        let structure = structure
        return zip(structure, structure.dropFirst()).contains {
            $0 == UInt8(ascii: ",") && ($1 == UInt8(ascii: "}") || $1 == UInt8(ascii: "]"))
        }
    }

    // What is neither in a string nor white space.
    private var structure: [UInt8] {
        var structure: [UInt8] = []
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            if byte == UInt8(ascii: "\"") { isInString = true }
            if byte > 0x20 { structure.append(byte) }
        }
        return structure
    }

    private func fail(_ problem: String) {
        preconditionFailure("\(problem)\n\(String(decoding: bytes, as: UTF8.self))")
    }
}
