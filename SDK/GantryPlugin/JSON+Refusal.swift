extension JSON {
    /// Refuses what is no object, and names that nobody would read: a misspelt one would be ignored.
    ///
    /// - Parameters:
    ///   - known: All names that there may be.
    ///   - owner: Whose configuration or parameters these are, for the message.
    /// - Throws: ``Failure`` with `.invalid`, which names the first that is not known and says what to do.
    public func refuseUnknown(_ known: [String], of owner: String) throws(Failure) {
        guard let object else { throw Failure(.invalid, "What is set for \(owner) must be an object.") }
        for name in object.names where !known.contains(where: { $0.hasSameBytes(as: name) }) {
            let others = known.isEmpty ? "" : " Known are: \(known.joined(separator: ", "))."
            throw Failure(.invalid, "\(owner) has no parameter `\(name)`; remove it.\(others)", parameter: name)
        }
    }
}
