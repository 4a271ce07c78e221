import HostPlugins

/// The paths of the fast lane's routes; all of them are for POST.
struct FastRoutes: Sendable {
    /// What a request's path says.
    struct Match {
        let kind: OperationKind
        /// The model as it stands in the path, percent-encoded.
        let model: Substring?
    }

    private struct Pattern {
        let parts: [Substring]
        let kind: OperationKind
    }

    private static let modelPart: Substring = ":model"
    /// Says nothing: the model decides who provides it.
    private static let providerPart: Substring = ":provider"

    private var exact: [String: OperationKind] = [:]
    private var patterns: [Pattern] = []

    /// Adds a path, in which `:model` and `:provider` stand for any one part.
    mutating func add(_ path: String, _ kind: OperationKind) {
        let parts = Self.parts(of: path[...])
        if !parts.contains(where: Self.isAny) { exact[path] = kind }
        patterns.append(Pattern(parts: parts, kind: kind))
    }

    /// Finds the route of a request's target, in origin or absolute form.
    ///
    /// As in the router, empty parts do not count: a path may end in a slash.
    func match(_ target: String) -> Match? {
        if let kind = exact[target] { return Match(kind: kind, model: nil) }
        let parts = Self.parts(of: Self.path(of: target))
        for pattern in patterns where pattern.parts.count == parts.count {
            let pairs = zip(pattern.parts, parts)
            guard pairs.allSatisfy({ Self.isAny($0) || $0 == $1 }) else { continue }
            return Match(kind: pattern.kind, model: pairs.first { $0.0 == Self.modelPart }?.1)
        }
        return nil
    }

    private static func isAny(_ part: Substring) -> Bool { part == modelPart || part == providerPart }

    private static func parts(of path: Substring) -> [Substring] { path.split(separator: "/") }

    private static func path(of target: String) -> Substring {
        var path = target[...]
        if !path.hasPrefix("/"), let scheme = path.firstRange(of: "://") {
            let rest = path[scheme.upperBound...]
            path = rest.firstIndex(of: "/").map { rest[$0...] } ?? ""
        }
        return path.prefix { $0 != "?" }
    }
}
