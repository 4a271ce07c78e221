extension Operation {
    /// The client's request with each resolved place replaced by what it is called at the provider.
    ///
    /// What is not replaced stays with the host. Only before the first await.
    /// - Throws: ``Failure`` with `.internalError` for places that contradict each other or the length.
    public func translatedInput() throws(Failure) -> [Segment] {
        try Segment.translated(references, in: try withInput { $0.count })
    }
}

extension Segment {
    /// The client's request with each resolved place replaced by what it is called at the provider.
    ///
    /// - Parameters:
    ///   - references: In ascending order, without overlaps.
    ///   - length: The length of the client's request in bytes.
    /// - Returns: The pieces of a body; what is not replaced stays with the host.
    /// - Throws: ``Failure`` with `.internalError` for places that contradict each other or the length.
    public static func translated(_ references: [Reference], in length: Int) throws(Failure) -> [Segment] {
        guard !references.isEmpty else { return length > 0 ? [.input(0..<length)] : [] }
        var segments: [Segment] = []
        segments.reserveCapacity(2 * references.count + 1)
        var position = 0
        for reference in references {
            let range = reference.range
            guard range.lowerBound >= position, range.upperBound <= length else {
                throw Failure(.internalError, "The places that the host found in the request are not in order.")
            }
            if range.lowerBound > position { segments.append(.input(position..<range.lowerBound)) }
            segments.append(.bytes(JSON.string(reference.upstreamID).serialized()))
            position = range.upperBound
        }
        if position < length { segments.append(.input(position..<length)) }
        return segments
    }
}
