import HostDatabase

/// A statement while it is being written: the values in the order of their placeholders.
struct SQLText {
    private(set) var arguments: [DatabaseValue] = []

    /// Adds a value; to be called in the order in which the placeholders stand in the statement.
    ///
    /// - Returns: The placeholder.
    mutating func bind(_ value: DatabaseValue) -> String {
        arguments.append(value)
        return "$\(arguments.count)"
    }

    /// Adds the values of an `IN` list.
    ///
    /// The list is filled up to the next power of two with its last value, so that few statements are prepared for
    /// lists of many lengths.
    ///
    /// - Returns: The placeholders, without parentheses.
    mutating func bind(list values: [DatabaseValue]) -> String {
        guard let last = values.last else { return "NULL" }
        var count = 1
        while count < values.count { count *= 2 }
        let padding = Array(repeating: last, count: count - values.count)
        return (values + padding).map { bind($0) }.joined(separator: ", ")
    }
}
