extension JSONScanner {
    /// Eight bytes that begin at an offset, the first one lowest.
    @inline(__always)
    func word(at offset: Int) -> UInt64 {
        assert(offset >= 0 && offset + 8 <= count)
        return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Marks those of the sixteen bytes at an offset that are a quote, a backslash, a control character or not ASCII: all
    /// bits of their places are set, those of the others are not.
    @inline(__always)
    func marks(at offset: Int) -> UInt128 {
        assert(offset >= 0 && offset + 16 <= count)
        let bytes = base.loadUnaligned(fromByteOffset: offset, as: SIMD16<Int8>.self)
        // Bytes above 0x7f are negative here.
        let marks = (bytes .< Self.spaces) .| (bytes .== Self.quotes) .| (bytes .== Self.backslashes)
        // A mask is all ones where it is true.
        return UInt128(littleEndian: unsafeBitCast(marks, to: UInt128.self))
    }

    // Operations between a vector and a number are not made of instructions for vectors, those between two vectors are.
    @inline(__always)
    private static var spaces: SIMD16<Int8> { SIMD16(repeating: 0x20) }
    @inline(__always)
    private static var quotes: SIMD16<Int8> { SIMD16(repeating: 0x22) }
    @inline(__always)
    private static var backslashes: SIMD16<Int8> { SIMD16(repeating: 0x5c) }

    /// The place of the first byte that is marked; there has to be one.
    @inline(__always)
    static func firstMark(_ marks: UInt128) -> Int { marks.trailingZeroBitCount / 8 }

    /// Marks the bytes of a word as above; the top bit of each byte of the result tells, and only the lowest one is exact: a
    /// borrow can mark bytes above a marked one, never below it.
    @inline(__always)
    static func marks(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = (word ^ (ones &* 0x22)) &- ones
        let backslashes = (word ^ (ones &* 0x5c)) &- ones
        let controls = word &- (ones &* 0x20)
        return (quotes | backslashes | controls | word) & (ones &* 0x80)
    }
}
