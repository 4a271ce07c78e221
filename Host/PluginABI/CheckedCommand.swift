import CGantryPlugin

/// A command where it lies, found to be readable; members past the size that its writer knew read as zero.
package struct CheckedCommand {
    private static let maximumPairs = 256
    private static let maximumSegments = 65_536
    private static let maximumScopeBytes = 4096
    private static let maximumIdentifierBytes = 4096
    /// What a header or a piece of a body costs beside its bytes.
    private static let elementOverhead = 48

    /// The command; its pointers are good for as long as it is lent.
    package let value: gantry_command

    /// Copies as much of the command as its writer knew; nil for a size or a piece of memory that cannot be.
    package init?(_ lent: UnsafePointer<gantry_command>) {
        let size = Int(lent.pointee.size)
        guard size >= 8, size <= 1 << 16 else { return nil }
        var copy = gantry_command()
        withUnsafeMutableBytes(of: &copy) { bytes in
            bytes.copyBytes(from: UnsafeRawBufferPointer(start: lent, count: min(size, bytes.count)))
        }
        value = copy
        guard (0...Self.maximumPairs).contains(copy.pair_count), copy.pairs != nil || copy.pair_count == 0,
            (0...Self.maximumSegments).contains(copy.segment_count),
            copy.segments != nil || copy.segment_count == 0,
            copy.data.isWellFormed, copy.text.isWellFormed, copy.method.isWellFormed, copy.url.isWellFormed
        else { return nil }
    }

    /// How much there is to copy; malformed pieces count nothing, for they are refused.
    package var sizeInBytes: Int {
        let slices = value.data.len + value.text.len + value.method.len + value.url.len
        let pairs = (0..<value.pair_count).reduce(0) { sum, index in
            let pair = value.pairs[index]
            return sum + pair.name.readableLength + pair.value.readableLength + pair.secret.readableLength
        }
        let elements = (value.pair_count + value.segment_count) * Self.elementOverhead
        return (0..<value.segment_count).reduce(slices + pairs + elements) {
            $0 + value.segments[$1].bytes.readableLength
        }
    }

    /// Whether the command has a flag of its kind.
    package func hasFlag(_ flag: Int) -> Bool { value.flags & UInt32(flag) != 0 }

    /// Looks at what the command says, as far as that does not depend on the operation's state.
    /// - Throws: ``RefusedCommand`` with `.unsupported` for what this minor does not know, else `.invalid`.
    package func check() throws(RefusedCommand) {
        for index in 0..<value.pair_count { try demand(value.pairs[index].isWellFormed) }
        for index in 0..<value.segment_count { try demand(value.segments[index].bytes.isWellFormed) }
        switch Int(value.kind) {
        case GANTRY_CMD_HTTP: try checkRequest()
        case GANTRY_CMD_TOKEN: try demand(value.text.len <= Self.maximumScopeBytes)
        case GANTRY_CMD_REMEMBER, GANTRY_CMD_FORGET: try checkIdentifier()
        case GANTRY_CMD_PULL, GANTRY_CMD_ABORT, GANTRY_CMD_WAIT, GANTRY_CMD_OUTPUT, GANTRY_CMD_PIPE,
            GANTRY_CMD_USAGE, GANTRY_CMD_RESULT, GANTRY_CMD_ERROR:
            break
        default: throw RefusedCommand(code: Status.unsupported)
        }
    }

    private func demand(_ condition: Bool, else code: gantry_status = Status.invalid) throws(RefusedCommand) {
        guard condition else { throw RefusedCommand(code: code) }
    }

    private func checkRequest() throws(RefusedCommand) {
        let framings = Int(GANTRY_FRAME_WHOLE)...Int(GANTRY_FRAME_SSE)
        try demand(
            framings.contains(Int(value.code)) && !hasFlag(GANTRY_HTTP_STREAM_BODY),
            else: Status.unsupported
        )
        let kinds = UInt32(GANTRY_SEG_BYTES)...UInt32(GANTRY_SEG_SECRET)
        for index in 0..<value.segment_count {
            try demand(kinds.contains(value.segments[index].kind), else: Status.unsupported)
        }
    }

    private func checkIdentifier() throws(RefusedCommand) {
        try demand((1...Self.maximumIdentifierBytes).contains(value.data.len))
        try demand(String(validating: UnsafeRawBufferPointer(lent: value.data), as: UTF8.self) != nil)
    }
}
