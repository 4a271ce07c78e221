import CGantryPlugin

/// CALL: a worker's plugin uses a service that only the host has.
package struct CallMessage {
    /// The services that need the host; the clock and random bytes do not.
    package enum Function: UInt32, Sendable {
        case sign = 1
        case cacheGet = 2
        case cachePut = 3
    }

    /// A buffer of a plugin may be larger, but no answer is.
    package static let maximumResultBytes = 64 * 1024
    /// What one call may carry; a plugin that signs more than this is answered ``Status/limit`` in the worker.
    package static let maximumValueBytes = 16 << 20

    package let function: Function
    package let algorithm: UInt32
    package let milliseconds: UInt64
    /// How much of a result the plugin takes.
    package let capacity: Int
    package let key: gantry_slice
    package let value: gantry_slice

    /// Makes a call; the slices are well formed and lent.
    package init(
        _ function: Function,
        algorithm: UInt32 = 0,
        milliseconds: UInt64 = 0,
        capacity: Int = 0,
        key: gantry_slice,
        value: gantry_slice = gantry_slice()
    ) {
        self.function = function
        self.algorithm = algorithm
        self.milliseconds = milliseconds
        self.capacity = min(max(0, capacity), Self.maximumResultBytes)
        self.key = key
        self.value = value
    }

    /// Reads a call; its slices are lent from the body.
    /// - Throws: ``WireError`` if it is none.
    package init(_ body: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(body)
        guard let function = Function(rawValue: try reader.uint32()) else {
            throw WireError("a call is of an unknown function")
        }
        self.function = function
        algorithm = try reader.uint32()
        milliseconds = try reader.uint64()
        capacity = Int(clamping: min(try reader.uint64(), UInt64(Self.maximumResultBytes)))
        key = try reader.slice()
        value = try reader.slice()
        try reader.end()
    }

    /// The message of this call.
    package func message() -> OutgoingMessage {
        var message = OutgoingMessage(.call)
        message.append(function.rawValue)
        message.append(algorithm)
        message.append(milliseconds)
        message.append(UInt64(capacity))
        message.append(key)
        message.append(value)
        return message
    }
}

/// RETURN: the host's answer to a CALL.
package struct ReturnMessage {
    package let status: gantry_status
    /// The length of the whole result, also if the plugin has too little room for it.
    package let length: Int
    package let result: UnsafeRawBufferPointer

    /// Makes an answer; `result` is lent, and left out unless the status is ``Status/ok``.
    package init(status: gantry_status, length: Int, result: UnsafeRawBufferPointer) {
        self.status = status
        self.length = length
        self.result = status == Status.ok ? result : UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Reads an answer.
    ///
    /// - Parameters:
    ///   - body: The message's body, from which the result is lent.
    ///   - capacity: What the call said that it takes.
    /// - Throws: ``WireError`` if it is none, or if its result is larger than that.
    package init(_ body: UnsafeRawBufferPointer, capacity: Int) throws(WireError) {
        var reader = WireReader(body)
        status = try reader.int32()
        length = Int(clamping: try reader.uint64())
        result = try reader.bytes()
        try reader.end()
        guard result.count <= capacity else { throw WireError("a result is larger than what was asked for") }
    }

    /// The message of this answer.
    package func message() -> OutgoingMessage {
        var message = OutgoingMessage(.return)
        message.append(status)
        message.append(UInt64(length))
        message.append(result)
        return message
    }
}
