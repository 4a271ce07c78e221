import GantryPlugin

extension Requests {
    /// The client's request with its resolved places replaced, and changed where the provider differs from OpenAI.
    ///
    /// - Parameters:
    ///   - references: In ascending order, without overlaps.
    ///   - length: The length of the client's request in bytes.
    ///   - edits: In ascending order, without overlaps; a place inside of one goes with it.
    /// - Returns: The pieces of the body.
    /// - Throws: ``Failure`` with `.internalError` for places that contradict each other or the length.
    static func splice(
        _ references: [Reference],
        into length: Int,
        editing edits: [ChatEdits.Edit]
    ) throws(Failure) -> [Segment] {
        guard !edits.isEmpty else { return try Segment.translated(references, in: length) }
        var segments: [Segment] = []
        segments.reserveCapacity(2 * (references.count + edits.count) + 1)
        var position = 0
        var edits = edits[...]
        func replace(_ range: Range<Int>, _ replacement: [UInt8]) throws(Failure) {
            guard range.lowerBound >= position, range.upperBound <= length else {
                throw Failure(.internalError, "The places that the host found in the request are not in order.")
            }
            if range.lowerBound > position { segments.append(.input(position..<range.lowerBound)) }
            if !replacement.isEmpty { segments.append(.bytes(replacement)) }
            position = range.upperBound
        }
        for reference in references {
            while let edit = edits.first, edit.range.lowerBound <= reference.range.lowerBound {
                try replace(edit.range, edit.replacement)
                edits.removeFirst()
            }
            if reference.range.upperBound <= position { continue }
            try replace(reference.range, JSON.string(reference.upstreamID).serialized())
        }
        for edit in edits { try replace(edit.range, edit.replacement) }
        if position < length { segments.append(.input(position..<length)) }
        return segments
    }
}
