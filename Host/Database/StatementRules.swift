/// What every statement and its arguments have to keep to, so that all databases refuse the same ones.
enum StatementRules {
    /// Checks one statement before it goes to a driver.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse`.
    static func check(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) {
        // To SQLite, `$2` is a name and its place is where it first stands; PostgreSQL goes by the number. Statements
        // that would mean two things are refused.
        guard placeholderCount(sql) == arguments.count else {
            throw DatabaseError(
                .misuse,
                "The placeholders of a statement are not $1 to $\(arguments.count) in the order of their first use."
            )
        }
        guard !sql.utf8.contains(0) else {
            throw DatabaseError(.misuse, "A statement has a NUL character: remove it.")
        }
        for argument in arguments { try check(argument) }
    }

    private static func check(_ argument: DatabaseValue) throws(DatabaseError) {
        switch argument {
        case .text(let text) where text.utf8.contains(0):
            throw DatabaseError(.misuse, "A text with a NUL character cannot be stored: remove the character.")
        // SQLite would store null instead.
        case .real(let number) where number.isNaN:
            throw DatabaseError(.misuse, "NaN cannot be stored: store null instead.")
        default: return
        }
    }

    /// How many placeholders a statement has; nil unless they are `$1…$n` in the order of their first use.
    ///
    /// A `$` in quotes counts too: statements have their values as arguments.
    static func placeholderCount(_ sql: String) -> Int? {
        var highest = 0
        var number: Int?
        for byte in sql.utf8 {
            if let current = number, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), current < 1 << 16 {
                number = current * 10 + Int(byte - UInt8(ascii: "0"))
                continue
            }
            if let current = number {
                guard current >= 1, current <= highest + 1 else { return nil }
                highest = max(highest, current)
            }
            number = byte == UInt8(ascii: "$") ? 0 : nil
        }
        guard let last = number else { return highest }
        guard last >= 1, last <= highest + 1 else { return nil }
        return max(highest, last)
    }
}
