/// Finds the key that was probably meant.
enum KeySuggestion {
    // No known key is this long, so neither is a misspelling of one.
    private static let longest = 64

    /// The known key that is nearest to a misspelled one; nil if none is near.
    static func nearest(to key: String, among known: [String]) -> String? {
        guard key.utf8.count <= longest else { return nil }
        let distances = known.map { (key: $0, distance: distance(Array(key.lowercased().utf8), Array($0.utf8))) }
        guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(1, best.key.utf8.count / 3) ? best.key : nil
    }

    // Levenshtein's distance, one row at a time.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let substituted = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
