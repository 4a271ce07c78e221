/// Reads the target names of a request: comma lists with spaces, repeated fields, each name once.
package enum TargetNames {
    /// - Parameter fields: The field's values in the order they came.
    /// - Returns: The names, each once, in that order; empty items are dropped.
    package static func parse(_ fields: [String]) -> [String] {
        var seen: Set<String> = []
        return
            fields
            .flatMap { $0.split(separator: ",") }
            .map { String($0.trimmingSpaces) }
            .filter { !$0.isEmpty && seen.insert($0).inserted }
    }
}

extension Substring {
    /// This text without ASCII spaces, tabs and line ends at either end.
    package var trimmingSpaces: Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0.isNewline }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return self[endIndex...]
        }
        return self[first...last]
    }
}
