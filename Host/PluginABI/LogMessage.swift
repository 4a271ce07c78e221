import CGantryPlugin

/// LOG: a line that a worker's plugin wants in the host's log.
package enum LogMessage {
    /// A text is cut here, twice what the host keeps of it, so that no secret is cut into something unknown.
    package static let maximumTextBytes = 8192
    package static let maximumFields = 32

    /// Writes a line; nil if it is malformed.
    ///
    /// - Parameters:
    ///   - level: `GANTRY_LOG_*`.
    ///   - text: Its message, lent.
    ///   - fields: What varies, lent; each is cut like the text.
    ///   - count: How many fields there are.
    /// - Returns: The message, or nil.
    package static func message(
        level: UInt32,
        text: gantry_slice,
        fields: UnsafePointer<gantry_pair>?,
        count: Int
    ) -> OutgoingMessage? {
        guard text.isWellFormed, (0...maximumFields).contains(count), fields != nil || count == 0 else { return nil }
        let fields = UnsafeBufferPointer(start: fields, count: count)
        guard fields.allSatisfy(\.isWellFormed) else { return nil }
        var message = OutgoingMessage(.log)
        message.append(level)
        message.append(text.prefix(maximumTextBytes))
        message.append(UInt32(count))
        for field in fields {
            message.append(field.name.prefix(maximumTextBytes))
            message.append(field.value.prefix(maximumTextBytes))
            message.append(gantry_slice())
        }
        return message
    }

    /// Reads a line.
    ///
    /// - Parameters:
    ///   - body: The message's body.
    ///   - arrays: Memory for the fields.
    ///   - write: Gets level, message and fields for the time of the call, as `gantry_host.log` does.
    /// - Throws: ``WireError`` if it is none.
    package static func read(
        _ body: UnsafeRawBufferPointer,
        _ arrays: inout LentArrays,
        _ write: (UInt32, gantry_slice, UnsafePointer<gantry_pair>?, Int) -> Void
    ) throws(WireError) {
        var reader = WireReader(body)
        let level = try reader.uint32()
        let text = try reader.slice()
        try reader.read(into: &arrays.pairs)
        try reader.end()
        arrays.pairs.withUnsafeBufferPointer { write(level, text, $0.baseAddress, $0.count) }
    }
}
