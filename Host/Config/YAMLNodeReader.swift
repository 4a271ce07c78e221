import Yams

/// Turns the parser's nodes into values, expanding aliases and counting what they expand to.
struct YAMLNodeReader {
    private static let maximumNodes = 100_000
    private static let maximumDepth = 64

    private var visitedNodes = 0
    private var anchors: [String: Node] = [:]
    // Inside of an expansion anchors are known already, and a later one of the same name may have replaced them.
    private var isExpanding = false

    static func tooDeep(_ place: SourceLocation) -> ConfigurationError {
        ConfigurationError(.tooLarge, at: place, "this is nested more than \(maximumDepth) deep. Flatten it.")
    }

    /// Reads a node and all that is in it.
    ///
    /// - Parameters:
    ///   - node: What the parser made of it.
    ///   - location: Where the value stands; its key's line for an entry of a mapping.
    ///   - depth: How many lists, mappings and aliases the value is in.
    /// - Returns: The value, its aliases expanded.
    /// - Throws: ``ConfigurationError``, also for what is too large or too deep.
    mutating func value(
        of node: Node,
        at location: SourceLocation,
        depth: Int = 0
    ) throws(ConfigurationError) -> SourceValue {
        try count(depth, at: location)
        if let target = try aliasTarget(of: node, at: location) {
            let wasExpanding = isExpanding
            isExpanding = true
            defer { isExpanding = wasExpanding }
            return try value(of: target, at: location, depth: depth + 1)
        }
        let content = try content(of: node, at: location, depth: depth)
        if let anchor = node.anchor, !isExpanding { anchors[anchor.rawValue] = node }
        return SourceValue(location: location, content: content)
    }

    private mutating func content(
        of node: Node,
        at location: SourceLocation,
        depth: Int
    ) throws(ConfigurationError) -> SourceValue.Content {
        switch node {
        case .scalar(let scalar):
            return try Self.content(of: scalar, at: location)
        case .sequence(let sequence):
            try Self.refuseTag(sequence.tag, except: "tag:yaml.org,2002:seq", at: location)
            var items: [SourceValue] = []
            for (index, item) in sequence.enumerated() {
                let place = location.appending(index: index, line: item.mark?.line ?? location.line)
                items.append(try value(of: item, at: place, depth: depth + 1))
            }
            return .list(items)
        case .mapping(let mapping):
            try Self.refuseTag(mapping.tag, except: "tag:yaml.org,2002:map", at: location)
            var entries = MappingEntries()
            try add(mapping, to: &entries, at: location, depth: depth)
            return .map(entries.inOrder)
        case .alias:
            throw ConfigurationError(.unsupported, at: location, "this alias has no value. Write the value itself.")
        }
    }

    private mutating func add(
        _ mapping: Node.Mapping,
        to entries: inout MappingEntries,
        at location: SourceLocation,
        depth: Int,
        isMerged: Bool = false
    ) throws(ConfigurationError) {
        var merges: [(Node, SourceLocation)] = []
        for (keyNode, valueNode) in mapping {
            let line = keyNode.mark?.line ?? location.line
            let key = try Self.key(keyNode, at: SourceLocation(file: location.file, line: line, key: location.key))
            let place = location.appending(key: key, line: line)
            if key == "<<", keyNode.scalar?.style == .plain {
                merges.append((valueNode, place))
                continue
            }
            if isMerged, entries.contains(key) {
                try count(depth, at: place)
                continue
            }
            let value = try value(of: valueNode, at: place, depth: depth + 1)
            guard entries.add(SourceEntry(key: key, value: value)) else {
                throw ConfigurationError(
                    .duplicate,
                    at: place,
                    "this key stands twice in one mapping. Keep one of them."
                )
            }
        }
        for (node, place) in merges { try merge(node, into: &entries, of: location, at: place, depth: depth + 1) }
    }

    // `<<: *name` and `<<: [*first, *second]`, https://yaml.org/type/merge.html: what is there already stays.
    private mutating func merge(
        _ node: Node,
        into entries: inout MappingEntries,
        of location: SourceLocation,
        at place: SourceLocation,
        depth: Int
    ) throws(ConfigurationError) {
        try count(depth, at: place)
        if let target = try aliasTarget(of: node, at: place) {
            let wasExpanding = isExpanding
            isExpanding = true
            defer { isExpanding = wasExpanding }
            return try merge(target, into: &entries, of: location, at: place, depth: depth + 1)
        }
        switch node {
        case .mapping(let mapping):
            try add(mapping, to: &entries, at: location, depth: depth, isMerged: true)
        case .sequence(let sequence):
            for item in sequence { try merge(item, into: &entries, of: location, at: place, depth: depth + 1) }
        case .scalar, .alias:
            throw ConfigurationError(.wrongType, at: place, "must be an alias of a mapping, or a list of such aliases.")
        }
    }

    private mutating func count(_ depth: Int, at location: SourceLocation) throws(ConfigurationError) {
        visitedNodes += 1
        guard depth <= Self.maximumDepth else { throw Self.tooDeep(location) }
        guard visitedNodes <= Self.maximumNodes else {
            throw ConfigurationError(
                .tooLarge,
                at: location,
                "the file has more than \(Self.maximumNodes) values with its aliases expanded. Use fewer aliases."
            )
        }
    }

    private func aliasTarget(of node: Node, at location: SourceLocation) throws(ConfigurationError) -> Node? {
        guard case .scalar(let scalar) = node, let name = Self.aliasName(of: scalar) else { return nil }
        if let target = anchors[name] { return target }
        // Not even its name is shown: it may be a password that somebody forgot to quote. So for tags.
        throw ConfigurationError(
            .syntax,
            at: location,
            "no anchor stands before this alias. Correct its name, or put a text that starts with * in quotes."
        )
    }

    private static func aliasName(of scalar: Node.Scalar) -> String? {
        // A key's tag tells nothing: the parser has resolved it to compare keys.
        scalar.style == .plain ? YAMLAliasMark.name(inPlainScalar: scalar.string) : nil
    }

    private static func key(_ node: Node, at location: SourceLocation) throws(ConfigurationError) -> String {
        guard case .scalar(let scalar) = node, aliasName(of: scalar) == nil else {
            throw ConfigurationError(
                .unsupported,
                at: location,
                "a key is an alias, a list or a mapping. Write a plain name."
            )
        }
        return YAMLAliasMark.unmark(scalar.string)
    }

    private static func content(
        of scalar: Node.Scalar,
        at location: SourceLocation
    ) throws(ConfigurationError) -> SourceValue.Content {
        let text = YAMLAliasMark.unmark(scalar.string)
        let content: SourceValue.Content?
        switch scalar.tag.rawValue {
        case Tag.Name.implicit.rawValue: content = scalar.style == .plain ? YAMLScalar.plain(text) : .string(text)
        case Tag.Name.str.rawValue, Tag.Name.nonSpecific.rawValue: content = .string(text)
        case Tag.Name.int.rawValue: content = YAMLScalar.integer(text).map { .integer($0) }
        case Tag.Name.float.rawValue:
            content = (YAMLScalar.double(text) ?? YAMLScalar.integer(text).map(Double.init)).map { .double($0) }
        case Tag.Name.bool.rawValue: content = YAMLScalar.bool(text).map { .bool($0) }
        case Tag.Name.null.rawValue: content = .null
        default: throw unknownTag(at: location)
        }
        if let content { return content }
        throw ConfigurationError(.badValue, at: location, "the value does not fit its tag. Remove the tag.")
    }

    private static func refuseTag(
        _ tag: Tag,
        except allowed: String,
        at location: SourceLocation
    ) throws(ConfigurationError) {
        let name = tag.rawValue
        if [Tag.Name.implicit.rawValue, Tag.Name.nonSpecific.rawValue, allowed].contains(name) { return }
        throw unknownTag(at: location)
    }

    private static func unknownTag(at location: SourceLocation) -> ConfigurationError {
        ConfigurationError(
            .unsupported,
            at: location,
            "this tag is not supported. Remove it, or put a text that starts with ! in quotes."
        )
    }
}

/// The entries of one mapping, each key once, in the order they came.
private struct MappingEntries {
    private(set) var inOrder: [SourceEntry] = []
    private var keys: Set<String> = []

    func contains(_ key: String) -> Bool { keys.contains(key) }

    mutating func add(_ entry: SourceEntry) -> Bool {
        guard keys.insert(entry.key).inserted else { return false }
        inOrder.append(entry)
        return true
    }
}
