import CGantryPlugin

/// LOG: a line that a worker's plugin wants in the host's log.
package enum LogMessage {
    /// What the host keeps of one text of a line.
    package static let maximumTextBytes = 4096
    /// What is looked at of a whole line, message and fields together: enough that no secret, which is shorter than a
    /// text, is cut into something unknown within what is kept.
    package static let maximumLineBytes = 2 * maximumTextBytes
    package static let maximumFields = 32
    /// So many lines of one call into the plugin are written.
    package static let maximumLines = 64
    /// Level, count and the lengths of all texts.
    private static let maximumOverhead = 12 + maximumFields * 12

    /// What is left of ``maximumLineBytes`` while the texts of a line are gone through, the message first.
    package struct Budget: Sendable {
        /// How many bytes may still be looked at.
        package private(set) var bytes = LogMessage.maximumLineBytes

        /// Begins a line.
        package init() {}

        /// Takes as much of a text, which is well formed, as there is room for.
        package mutating func take(_ text: gantry_slice) -> gantry_slice {
            let taken = text.prefix(bytes)
            bytes -= taken.len
            return taken
        }
    }

    /// Writes a line, as much of it as ``Budget`` has room for; nil if it is malformed.
    ///
    /// - Parameters:
    ///   - level: `GANTRY_LOG_*`.
    ///   - text: Its message, lent.
    ///   - fields: What varies, lent; those without room are left out.
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
        var budget = Budget()
        var message = OutgoingMessage(.log)
        message.append(level)
        message.append(budget.take(text))
        let countOffset = message.bodyBytes
        var written: UInt32 = 0
        message.append(written)
        for field in fields where budget.bytes > 0 {
            message.append(budget.take(field.name))
            message.append(budget.take(field.value))
            message.append(gantry_slice())
            written += 1
        }
        message.replace(at: countOffset, with: written)
        return message
    }

    /// Reads a line.
    ///
    /// - Parameters:
    ///   - body: The message's body.
    ///   - arrays: Memory for the fields.
    ///   - write: Gets level, message and fields for the time of the call, as `gantry_host.log` does.
    /// - Throws: ``WireError`` if it is none, or longer than ``message(level:text:fields:count:)`` makes any.
    package static func read(
        _ body: UnsafeRawBufferPointer,
        _ arrays: inout LentArrays,
        _ write: (UInt32, gantry_slice, UnsafePointer<gantry_pair>?, Int) -> Void
    ) throws(WireError) {
        guard body.count <= maximumLineBytes + maximumOverhead else { throw WireError("a log line is too long") }
        var reader = WireReader(body)
        let level = try reader.uint32()
        let text = try reader.slice()
        try reader.read(into: &arrays.pairs)
        try reader.end()
        arrays.pairs.withUnsafeBufferPointer { write(level, text, $0.baseAddress, $0.count) }
    }
}
