/// The rules of the scanner once more, over a tree: slow, and as plain as they can be put.
struct TreeRules {
    /// One level of the way to a value.
    ///
    /// A literal is the name of a member, or `[]` for any element.
    private enum Step: Equatable, ExpressibleByStringLiteral {
        case member(String)
        case element(Int)
        case anyElement

        init(stringLiteral text: String) { self = text == "[]" ? .anyElement : .member(text) }

        var isElement: Bool { if case .member = self { false } else { true } }

        var text: String {
            switch self {
            case .member(let name): name
            case .element(let index): "[\(index)]"
            case .anyElement: "[]"
            }
        }
    }

    /// Each place that names a file as its path, an equals sign and its text, in UTF-8.
    private(set) var places: [[UInt8]] = []
    /// What is named that a provider keeps and the gateway does not manage.
    private(set) var unmanaged: [String] = []
    private(set) var previousResponse: String?
    private(set) var violation = false
    private(set) var model: String?
    private(set) var stream: Bool?
    private(set) var includeUsage: Bool?

    init(_ tree: JSONTree) { walk(tree, []) }

    private mutating func walk(_ value: JSONTree, _ path: [Step]) {
        if isFree(path) { return }
        check(value, path)
        noteOther(value, path)
        switch value {
        case .object(let members):
            for (name, member) in members { walk(member, path + [.member(name)]) }
        case .array(let elements):
            for (index, element) in elements.enumerated() { walk(element, path + [.element(index)]) }
        case .string(let text):
            if isPlace(text, path) { places.append(Array("\(path.map(\.text).joined(separator: "."))=\(text)".utf8)) }
        default:
            break
        }
    }

    private mutating func check(_ value: JSONTree, _ path: [Step]) {
        switch (path.map(\.text), value) {
        case (["model"], .string(let text)):
            model = text
            violation = violation || text.isEmpty || text.utf8.count > 256
        case (["model"], _): violation = true
        case (["stream"], .bool(let bool)): stream = bool
        case (["stream_options", "include_usage"], .bool(let bool)): includeUsage = bool
        case (["previous_response_id"], .string), (["previous_response_id"], .null): break
        case (["previous_response_id"], _): violation = true
        case (["stream"], .null), (["stream_options", "include_usage"], .null): break
        case (["stream"], _), (["stream_options", "include_usage"], _): violation = true
        case (["stream_options"], .object), (["stream_options"], .null): break
        case (["stream_options"], _): violation = true
        default: checkReference(value, path)
        }
    }

    private mutating func noteOther(_ value: JSONTree, _ path: [Step]) {
        if case .object(let members) = value, path.count == 2, path[0] == "input", path[1].isElement {
            noteItem(members)
        }
        guard case .string(let text) = value else { return }
        let names = path.map { $0.isElement ? .anyElement : $0 }
        let isListed = names.last { $0 != .anyElement } == "vector_store_ids"
        if path == ["previous_response_id"] { previousResponse = text }
        if path == ["conversation"] || path == ["conversation", "id"] || isListed
            || names.suffix(3) == ["tools", "[]", "container"]
        {
            unmanaged.append(text)
        }
    }

    private mutating func noteItem(_ members: [String: JSONTree]) {
        guard case .string(let id)? = members["id"] else { return }
        switch (members["type"], members["role"]) {
        case (.string("item_reference"), _): unmanaged.append(id)
        case (.string, _): break
        case (_, nil), (_, .null): unmanaged.append(id)
        default: break
        }
    }

    private mutating func checkReference(_ value: JSONTree, _ path: [Step]) {
        switch (path.last.flatMap { $0.isElement ? nil : $0.text }, value) {
        case ("file_id", .string), ("file_id", .null), ("file_ids", .array), ("file_ids", .null): break
        case ("file_id", _), ("file_ids", _): violation = true
        default:
            guard path.dropLast().last == "file_ids", path.last?.isElement == true else { return }
            if case .string = value { return }
            violation = true
        }
    }

    private func isFree(_ path: [Step]) -> Bool {
        let names = path.map { $0.isElement ? .anyElement : $0 }
        let fromTheTop: [[Step]] = [
            ["metadata"], ["response_format", "json_schema"], ["text", "format", "schema"],
            ["functions", "[]", "parameters"], ["functions", "[]", "arguments"],
        ]
        if fromTheTop.contains(where: names.starts(with:)) { return true }
        let anywhere: [[Step]] = [
            ["tools", "[]", "parameters"], ["tools", "[]", "input_schema"],
            ["tools", "[]", "function", "parameters"], ["function", "arguments"],
        ]
        return names.indices.contains { index in anywhere.contains { names[index...].starts(with: $0) } }
    }

    private func isPlace(_ text: String, _ path: [Step]) -> Bool {
        let names = path.filter { !$0.isElement }
        if path.last == "file_id" || path.dropLast().last == "file_ids" { return true }
        let holders: [Step] = ["image_url", "video_url", "audio_url", "file_url"]
        let bytes = Array(text.utf8)
        guard let last = names.last else { return false }
        let isInLink = names.dropLast().last.map(holders.contains) == true && last == "url"
        if holders.contains(last) || isInLink {
            return !starts(bytes, "data:", ignoringCase: true) && leadsToProvider(bytes) != false
        }
        guard last == "file_data" || names.suffix(2) == ["input_audio", "data"] else { return false }
        return ["file-", "file_", "files/", "bGl0ZWxsbV9wcm94eT"].contains { starts(bytes, $0, ignoringCase: false) }
            || ["gs://", "s3://"].contains { starts(bytes, $0, ignoringCase: true) }
            || leadsToProvider(bytes) == true
    }

    // Nil if it is no http(s) URL.
    private func leadsToProvider(_ text: [UInt8]) -> Bool? {
        for scheme in ["https://", "http://"] where starts(text, scheme, ignoringCase: true) {
            let rest = text.dropFirst(scheme.utf8.count)
            var host = rest.prefix { !Array("/?#\\".utf8).contains($0) }
            if host.count >= 512 - 8 { return nil }
            if let at = host.lastIndex(of: UInt8(ascii: "@")) { host = host[(at + 1)...] }
            if let colon = host.firstIndex(of: UInt8(ascii: ":")) { host = host[..<colon] }
            if host.last == UInt8(ascii: ".") { host.removeLast() }
            return ["generativelanguage.googleapis.com", "api.openai.com"].contains { Array($0.utf8) == lowered(host) }
        }
        return nil
    }

    private func starts(_ text: [UInt8], _ prefix: String, ignoringCase: Bool) -> Bool {
        let beginning = text.prefix(prefix.utf8.count)
        return ignoringCase ? lowered(beginning) == Array(prefix.utf8) : beginning.elementsEqual(prefix.utf8)
    }

    private func lowered(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 + 32 : $0 }
    }
}
