import CGantryPlugin

/// STEP: an event for one operation.
package struct StepMessage {
    package let operation: UInt64
    package let flags: StepFlags
    package let outstanding: UInt32
    /// The number of the target and the kind, for an operation that is new.
    package let target: UInt32
    package let kind: UInt32
    /// Operations to free after this step.
    package private(set) var freed: [UInt64] = []

    /// Writes a step.
    ///
    /// - Parameters:
    ///   - operation: The host's number of the operation, not used again while the worker lives.
    ///   - new: The target's number and the operation's kind if this is its first step.
    ///   - rules: The state that decides what the plugin may emit.
    ///   - event: The event, laid out as for a call; it is copied.
    ///   - storage: Memory to use again.
    /// - Returns: The message; look at ``OutgoingMessage/isTooLarge``.
    package static func message(
        operation: UInt64,
        new: (target: UInt32, kind: UInt32)?,
        rules: EmissionRules,
        event: UnsafePointer<gantry_event>,
        reusing storage: consuming [UInt8] = []
    ) -> OutgoingMessage {
        var message = OutgoingMessage(.step, reusing: storage)
        var flags: StepFlags = new == nil ? [] : .new
        if rules.mayPull { flags.insert(.mayPull) }
        if rules.isCancelled { flags.insert(.isCancelled) }
        if rules.outstanding != nil { flags.insert(.hasOutstanding) }
        message.append(operation)
        message.append(flags.rawValue)
        message.append(rules.outstanding ?? 0)
        message.append(new?.target ?? 0)
        message.append(new?.kind ?? 0)
        message.append(event.pointee)
        return message
    }

    /// Ends a step's message with operations to free after it, at most once.
    package static func append(freed operations: [UInt64], to message: inout OutgoingMessage) {
        message.append(operations)
    }

    /// Reads a step and lays its event out over the received bytes.
    ///
    /// - Parameters:
    ///   - body: The message's body.
    ///   - arrays: Memory for what the ABI wants as arrays of structs; used again and again.
    ///   - handle: Gets the step and the event for the time of the call.
    /// - Returns: What `handle` returns.
    /// - Throws: ``WireError`` if it is no step; then `handle` was not called.
    package static func read<R>(
        _ body: UnsafeRawBufferPointer,
        _ arrays: inout LentArrays,
        _ handle: (StepMessage, UnsafePointer<gantry_event>) -> R
    ) throws(WireError) -> R {
        var reader = WireReader(body)
        var step = StepMessage(
            operation: try reader.uint64(),
            flags: StepFlags(rawValue: try reader.uint32()),
            outstanding: try reader.uint32(),
            target: try reader.uint32(),
            kind: try reader.uint32()
        )
        guard step.flags.isSubset(of: .all) else { throw WireError("a step has unknown flags") }
        var event = gantry_event()
        event.size = UInt32(MemoryLayout<gantry_event>.size)
        event.kind = try reader.uint32()
        event.flags = try reader.uint32()
        event.request = try reader.uint32()
        event.code = try reader.int32()
        event.value = try reader.uint64()
        event.data = try reader.slice()
        event.text = try reader.slice()
        try reader.read(into: &arrays.pairs)
        try reader.read(into: &arrays.refs)
        if !reader.isAtEnd { step.freed = try reader.operations() }
        try reader.end()
        return arrays.pairs.withUnsafeBufferPointer { pairs in
            arrays.refs.withUnsafeBufferPointer { refs in
                (event.pairs, event.pair_count) = (pairs.baseAddress, pairs.count)
                (event.refs, event.ref_count) = (refs.baseAddress, refs.count)
                return handle(step, &event)
            }
        }
    }

    /// Puts the host's state into the rules of the operation's next step.
    package func apply(to rules: inout EmissionRules) {
        rules.outstanding = flags.contains(.hasOutstanding) ? outstanding : nil
        rules.isCancelled = flags.contains(.isCancelled)
        rules.mayPull = flags.contains(.mayPull)
        rules.beginStep()
    }
}

/// Arrays of structs that are laid out over received bytes, kept so that their memory is used again.
///
/// `@unchecked Sendable`: what they point to is looked at only within the call that filled them.
package struct LentArrays: @unchecked Sendable {
    var pairs: [gantry_pair] = []
    var refs: [gantry_ref] = []
    var segments: [gantry_segment] = []

    package init() {}
}

extension OutgoingMessage {
    /// Writes an event whose pieces are well formed.
    fileprivate mutating func append(_ event: gantry_event) {
        append(event.kind)
        append(event.flags)
        append(event.request)
        append(event.code)
        append(event.value)
        append(event.data)
        append(event.text)
        append(event.pairs, count: event.pair_count)
        let refs = UnsafeBufferPointer(start: event.refs, count: event.refs == nil ? 0 : event.ref_count)
        append(UInt32(refs.count))
        for ref in refs {
            append(ref.kind)
            append(ref.offset)
            append(ref.length)
            append(ref.client_id)
            append(ref.upstream_id)
            append(ref.mime_type)
            append(ref.filename)
        }
    }
}

extension WireReader {
    fileprivate mutating func read(into refs: inout [gantry_ref]) throws(WireError) {
        let count = try count(leastBytes: 36)
        refs.removeAll(keepingCapacity: true)
        refs.reserveCapacity(count)
        for _ in 0..<count {
            refs.append(
                gantry_ref(
                    kind: try uint32(),
                    reserved: 0,
                    offset: try uint64(),
                    length: try uint64(),
                    client_id: try slice(),
                    upstream_id: try slice(),
                    mime_type: try slice(),
                    filename: try slice()
                )
            )
        }
    }
}
