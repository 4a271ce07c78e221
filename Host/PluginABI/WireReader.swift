import CGantryPlugin

/// Reads the members of a message where they lie.
///
/// Every read is checked against the end; texts and bytes are lent, not copied.
package struct WireReader {
    private var rest: UnsafeRawBufferPointer

    /// Reads a body, which has to outlive what is read from it.
    package init(_ body: UnsafeRawBufferPointer) { rest = body }

    package mutating func uint32() throws(WireError) -> UInt32 { try integer() }
    package mutating func int32() throws(WireError) -> Int32 { try integer() }
    package mutating func uint64() throws(WireError) -> UInt64 { try integer() }

    /// Bytes after their length.
    package mutating func bytes() throws(WireError) -> UnsafeRawBufferPointer {
        let length = Int(try uint32())
        guard length <= rest.count else { throw WireError("a length goes past the end") }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[length...]) }
        return UnsafeRawBufferPointer(rebasing: rest[..<length])
    }

    /// Bytes after their length, as the ABI lends them.
    package mutating func slice() throws(WireError) -> gantry_slice { gantry_slice(try bytes()) }

    /// Text after its length; invalid UTF-8 is repaired.
    package mutating func text() throws(WireError) -> String { String(decoding: try bytes(), as: UTF8.self) }

    /// A list's count; `leastBytes` is what one element takes at least.
    package mutating func count(leastBytes: Int) throws(WireError) -> Int {
        let count = Int(try uint32())
        guard count <= rest.count / leastBytes else { throw WireError("a list goes past the end") }
        return count
    }

    /// Reads a list of pairs into `pairs`.
    package mutating func read(into pairs: inout [gantry_pair]) throws(WireError) {
        let count = try count(leastBytes: 12)
        pairs.removeAll(keepingCapacity: true)
        pairs.reserveCapacity(count)
        for _ in 0..<count {
            pairs.append(gantry_pair(name: try slice(), value: try slice(), secret: try slice()))
        }
    }

    /// A list of operations' numbers.
    package mutating func operations() throws(WireError) -> [UInt64] {
        let count = try count(leastBytes: 8)
        var operations: [UInt64] = []
        operations.reserveCapacity(count)
        for _ in 0..<count { operations.append(try uint64()) }
        return operations
    }

    /// Whether everything was read.
    package var isAtEnd: Bool { rest.isEmpty }

    /// Demands that everything was read.
    package func end() throws(WireError) {
        guard rest.isEmpty else { throw WireError("\(rest.count) bytes follow its last member") }
    }

    private mutating func integer<I: FixedWidthInteger>() throws(WireError) -> I {
        guard rest.count >= MemoryLayout<I>.size else { throw WireError("it ends within a number") }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[MemoryLayout<I>.size...]) }
        return I(littleEndian: rest.loadUnaligned(as: I.self))
    }
}
