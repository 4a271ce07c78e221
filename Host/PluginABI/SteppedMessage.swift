import CGantryPlugin

/// STEPPED while the plugin emits: the commands are written as they come.
package struct SteppedWriter {
    private static let countOffset = 24

    package private(set) var message: OutgoingMessage
    private var count: UInt32 = 0
    private let operation: UInt64

    /// Begins the answer to a step.
    package init(operation: UInt64, reusing storage: consuming [UInt8] = []) {
        self.operation = operation
        message = OutgoingMessage(.stepped, reusing: storage)
        message.append(operation)
        message.append(Int32(0))
        message.append(UInt32(0))
        message.append(UInt64(0))
        message.append(UInt32(0))
    }

    /// Adds a command that the rules let pass.
    package mutating func append(_ command: gantry_command) {
        count += 1
        message.append(command.kind)
        message.append(command.flags)
        message.append(command.request)
        message.append(command.code)
        message.append(command.upstream)
        message.append(command.value)
        message.append(command.data)
        message.append(command.text)
        message.append(command.method)
        message.append(command.url)
        message.append(command.pairs, count: command.pair_count)
        message.append(UInt32(command.segment_count))
        for index in 0..<command.segment_count {
            let segment = command.segments[index]
            message.append(segment.kind)
            message.append(segment.flags)
            message.append(segment.bytes)
            message.append(segment.offset)
            message.append(segment.length)
        }
    }

    /// Ends the answer.
    ///
    /// - Parameters:
    ///   - status: What the plugin returned.
    ///   - wasRefused: Whether the operation could not be made.
    ///   - nanoseconds: How long the plugin took.
    /// - Returns: The message, ready to be sent.
    package consuming func finished(
        status: gantry_status,
        wasRefused: Bool = false,
        nanoseconds: UInt64
    ) -> OutgoingMessage {
        message.replace(at: 8, with: UInt32(bitPattern: status))
        message.replace(at: 12, with: wasRefused ? SteppedMessage.refusedFlag : 0)
        message.replace(at: 16, with: UInt32(truncatingIfNeeded: nanoseconds))
        message.replace(at: 20, with: UInt32(truncatingIfNeeded: nanoseconds >> 32))
        message.replace(at: Self.countOffset, with: count)
        return message
    }
}

/// STEPPED: what came of a step.
package struct SteppedMessage {
    static let refusedFlag: UInt32 = 1

    package let operation: UInt64
    package let status: gantry_status
    /// The plugin refused to make the operation with ``status``; there is nothing to free.
    package let wasRefused: Bool
    package let nanoseconds: UInt64
    package let commandCount: Int
    private let commands: WireReader

    /// Reads all but the commands.
    /// - Throws: ``WireError`` if it is no answer to a step.
    package init(_ body: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(body)
        operation = try reader.uint64()
        status = try reader.int32()
        let flags = try reader.uint32()
        guard flags <= Self.refusedFlag else { throw WireError("an answer has unknown flags") }
        wasRefused = flags != 0
        nanoseconds = try reader.uint64()
        commandCount = try reader.count(leastBytes: 52)
        guard !wasRefused || commandCount == 0 else { throw WireError("an operation that was refused has commands") }
        commands = reader
    }

    /// Lays the commands out over the received bytes, one after the other.
    ///
    /// - Parameters:
    ///   - arrays: Memory for what the ABI wants as arrays of structs.
    ///   - accept: Gets each command for the time of the call and says what came of it.
    /// - Throws: ``WireError`` for bytes that are no command, for one that `accept` does not return ``Status/ok`` for
    ///   (an honest worker has asked the same rules), and for bytes after the last; the commands before were accepted.
    package func forEachCommand(
        _ arrays: inout LentArrays,
        _ accept: (UnsafePointer<gantry_command>) -> gantry_status
    ) throws(WireError) {
        var reader = commands
        for _ in 0..<commandCount {
            let status = try reader.command(&arrays, accept)
            guard status == Status.ok else { throw WireError("it has a command that is answered with \(status)") }
        }
        try reader.end()
    }
}

extension WireReader {
    fileprivate mutating func command(
        _ arrays: inout LentArrays,
        _ accept: (UnsafePointer<gantry_command>) -> gantry_status
    ) throws(WireError) -> gantry_status {
        var command = gantry_command()
        command.size = UInt32(MemoryLayout<gantry_command>.size)
        command.kind = try uint32()
        command.flags = try uint32()
        command.request = try uint32()
        command.code = try int32()
        command.upstream = try uint32()
        command.value = try uint64()
        command.data = try slice()
        command.text = try slice()
        command.method = try slice()
        command.url = try slice()
        try read(into: &arrays.pairs)
        try read(into: &arrays.segments)
        return arrays.pairs.withUnsafeBufferPointer { pairs in
            arrays.segments.withUnsafeBufferPointer { segments in
                (command.pairs, command.pair_count) = (pairs.baseAddress, pairs.count)
                (command.segments, command.segment_count) = (segments.baseAddress, segments.count)
                return accept(&command)
            }
        }
    }

    fileprivate mutating func read(into segments: inout [gantry_segment]) throws(WireError) {
        let count = try count(leastBytes: 28)
        segments.removeAll(keepingCapacity: true)
        segments.reserveCapacity(count)
        for _ in 0..<count {
            segments.append(
                gantry_segment(
                    kind: try uint32(),
                    flags: try uint32(),
                    bytes: try slice(),
                    offset: try uint64(),
                    length: try uint64()
                )
            )
        }
    }
}
