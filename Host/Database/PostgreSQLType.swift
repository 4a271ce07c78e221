import CPostgreSQL

/// The types of PostgreSQL that have a ``DatabaseValue``, by their numbers in pg_type.
enum PostgreSQLType: Oid {
    case bool = 16
    case bytea = 17
    case name = 19
    case int8 = 20
    case int2 = 21
    case int4 = 23
    case text = 25
    case oid = 26
    case json = 114
    case float4 = 700
    case float8 = 701
    case bpchar = 1042
    case varchar = 1043
    case numeric = 1700
    case void = 2278

    /// Reads a value in the binary format of this type; nil if the bytes are not one.
    func value(_ bytes: UnsafeRawBufferPointer) -> DatabaseValue? {
        switch self {
        case .bool, .int2, .int4, .int8, .oid: integer(bytes).map(DatabaseValue.integer)
        case .float4: word(bytes, UInt32.self).map { .real(Double(Float(bitPattern: $0))) }
        case .float8: word(bytes, UInt64.self).map { .real(Double(bitPattern: $0)) }
        case .numeric: Self.numeric(bytes).map(DatabaseValue.real)
        case .text, .varchar, .bpchar, .name, .json: .text(String(decoding: bytes, as: UTF8.self))
        case .bytea: .blob(Array(bytes))
        case .void: .null
        }
    }

    private func integer(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        switch self {
        case .bool: bytes.first.map { $0 == 0 ? 0 : 1 }
        case .int2: word(bytes, UInt16.self).map { Int64(Int16(bitPattern: $0)) }
        case .int4: word(bytes, UInt32.self).map { Int64(Int32(bitPattern: $0)) }
        case .oid: word(bytes, UInt32.self).map(Int64.init)
        default: word(bytes, UInt64.self).map { Int64(bitPattern: $0) }
        }
    }

    private func word<Word: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _: Word.Type) -> Word? {
        guard bytes.count == MemoryLayout<Word>.size else { return nil }
        return Word(bigEndian: bytes.loadUnaligned(as: Word.self))
    }

    /// Reads a numeric: how many digits to base 10000, the weight of the first, the sign, the scale, the digits.
    ///
    /// Source: src/backend/utils/adt/numeric.c of PostgreSQL, `numeric_send`.
    private static func numeric(_ bytes: UnsafeRawBufferPointer) -> Double? {
        guard bytes.count >= 8, bytes.count.isMultiple(of: 2) else { return nil }
        let words = stride(from: 0, to: bytes.count, by: 2).map {
            UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt16.self))
        }
        switch words[2] {
        case 0xC000: return .nan
        case 0xD000: return .infinity
        case 0xF000: return -.infinity
        default: break
        }
        let digits = words.dropFirst(4)
        guard digits.count == words[0] else { return nil }
        let decimals = digits.map { String(String($0 + 10_000).dropFirst()) }.joined()
        let exponent = (Int(Int16(bitPattern: words[1])) - digits.count + 1) * 4
        return Double("\(words[2] == 0x4000 ? "-" : "")0\(decimals)e\(exponent)")
    }
}
