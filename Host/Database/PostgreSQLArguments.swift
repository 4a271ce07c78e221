import CPostgreSQL

/// A statement's arguments as libpq takes them.
struct PostgreSQLArguments {
    private var storage: [UInt8] = []
    private var offsets: [Int?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    /// Writes arguments for the types that the server has found for the placeholders.
    ///
    /// Numbers and texts go as text, so that the server reads them as what it needs or refuses them.
    ///
    /// - Throws: ``DatabaseError`` with `.misuse` for bytes where the server wants none, and the reverse.
    init(_ arguments: [DatabaseValue], types: [Oid]) throws(DatabaseError) {
        for (argument, type) in zip(arguments, types) {
            switch argument {
            case .null: addNull()
            case .integer(let integer): try add("\(integer)".utf8, isBytes: false, type)
            case .real(let real): try add("\(real)".utf8, isBytes: false, type)
            case .text(let text): try add(text.utf8, isBytes: false, type)
            case .blob(let bytes): try add(bytes, isBytes: true, type)
            }
        }
    }

    private mutating func addNull() {
        offsets.append(nil)
        lengths.append(0)
        formats.append(0)
    }

    private mutating func add(
        _ bytes: some Collection<UInt8>,
        isBytes: Bool,
        _ type: Oid
    ) throws(DatabaseError) {
        guard isBytes == (type == PostgreSQLType.bytea.rawValue) else {
            throw DatabaseError(
                .misuse,
                "The argument for $\(offsets.count + 1) is \(isBytes ? "a blob" : "no blob"), and the column is "
                    + "\(isBytes ? "of another type" : "BYTEA")."
            )
        }
        offsets.append(storage.count)
        lengths.append(Int32(clamping: bytes.count))
        formats.append(isBytes ? 1 : 0)
        storage.append(contentsOf: bytes)
        // libpq reads what goes as text up to a NUL.
        storage.append(0)
    }

    /// Lends the count, values, lengths and formats.
    func withPointers<Value>(
        _ body: (Int32, [UnsafePointer<CChar>?], [Int32], [Int32]) -> Value
    ) -> Value {
        storage.withUnsafeBytes { bytes in
            let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = offsets.map { offset in offset.flatMap { start?.advanced(by: $0) } }
            return body(Int32(values.count), values, lengths, formats)
        }
    }
}
