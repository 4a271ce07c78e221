import CGantryPlugin

/// FREE: the host has no more use for an operation.
package enum FreeMessage {
    /// The message for operations' numbers.
    package static func message(operations: [UInt64]) -> OutgoingMessage {
        var message = OutgoingMessage(.free)
        message.append(operations)
        return message
    }

    /// Reads the operations' numbers.
    package static func read(_ body: UnsafeRawBufferPointer) throws(WireError) -> [UInt64] {
        var reader = WireReader(body)
        let operations = try reader.operations()
        try reader.end()
        return operations
    }
}

/// LOAD: what a worker opens.
package struct LoadMessage: Sendable {
    package var dataSockets: UInt32
    /// The most memory that the worker may map.
    package var memoryLimitInBytes: UInt64
    /// The library's private copy.
    package var path: String
    /// The plain functions that the plugin may call, as `HostFunctions` writes them; empty for none.
    package var bindings: [UInt8]
    /// Folders that may be read beside the system's libraries and the private copy's own.
    package var folders: [String]

    /// Says what to open.
    ///
    /// - Parameters:
    ///   - path: The library's private copy.
    ///   - dataSockets: How many data sockets the worker was given.
    ///   - memoryLimitInBytes: The most memory that it may map.
    ///   - bindings: The plain functions that the plugin may call.
    ///   - folders: Folders that may be read beside the system's libraries and the private copy's own.
    package init(
        path: String,
        dataSockets: Int,
        memoryLimitInBytes: UInt64,
        bindings: [UInt8] = [],
        folders: [String] = []
    ) {
        self.path = path
        self.dataSockets = UInt32(clamping: dataSockets)
        self.memoryLimitInBytes = memoryLimitInBytes
        self.bindings = bindings
        self.folders = folders
    }

    /// Reads the message.
    ///
    /// - Parameter body: The message's body.
    /// - Throws: ``WireError`` if it is none, also for another version of the protocol.
    package init(_ body: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(body)
        let version = try reader.uint32()
        guard version == WorkerProtocol.version else {
            throw WireError("the host speaks version \(version) of the protocol, this worker \(WorkerProtocol.version)")
        }
        dataSockets = try reader.uint32()
        guard dataSockets <= WorkerProtocol.maximumDataSockets else { throw WireError("there are too many sockets") }
        memoryLimitInBytes = try reader.uint64()
        path = try reader.text()
        bindings = Array(try reader.bytes())
        folders = []
        for _ in 0..<(try reader.count(leastBytes: 4)) { folders.append(try reader.text()) }
        try reader.end()
    }

    /// The message.
    package func message() -> OutgoingMessage {
        var message = OutgoingMessage(.load)
        message.append(WorkerProtocol.version)
        message.append(dataSockets)
        message.append(memoryLimitInBytes)
        message.append(path)
        bindings.withUnsafeBytes { message.append($0) }
        message.append(UInt32(folders.count))
        for folder in folders { message.append(folder) }
        return message
    }
}

/// FACTS: what a library says of itself.
package struct FactsMessage: Sendable, Equatable {
    package let abiMinor: UInt32
    package let neededMinor: UInt32
    package let flags: UInt32
    /// Bit (1 << kind) for each operation that it serves.
    package let operations: UInt64
    package let id: String
    package let version: String
    /// The JSON of `describe`.
    package let description: [UInt8]

    /// Copies the facts of a table that was checked.
    package init(_ table: gantry_plugin) {
        abiMinor = table.abi_minor
        neededMinor = table.needs_minor
        flags = table.flags
        operations = table.ops
        id = String(lent: table.id)
        version = String(lent: table.version)
        description = Array(UnsafeRawBufferPointer(lent: table.describe))
    }

    /// Reads the message.
    /// - Throws: ``WireError`` if it is none.
    package init(_ body: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(body)
        abiMinor = try reader.uint32()
        neededMinor = try reader.uint32()
        flags = try reader.uint32()
        operations = try reader.uint64()
        id = try reader.text()
        version = try reader.text()
        description = Array(try reader.bytes())
        try reader.end()
    }

    /// The message.
    package func message() -> OutgoingMessage {
        var message = OutgoingMessage(.facts)
        message.append(abiMinor)
        message.append(neededMinor)
        message.append(flags)
        message.append(operations)
        message.append(id)
        message.append(version)
        description.withUnsafeBytes { message.append($0) }
        return message
    }
}

/// INSTANCE, CHECK and the other messages that are bytes alone.
package enum BytesMessage {
    /// The message.
    package static func message(_ kind: WorkerProtocol.Kind, _ bytes: [UInt8]) -> OutgoingMessage {
        var message = OutgoingMessage(kind)
        bytes.withUnsafeBytes { message.append($0) }
        return message
    }

    /// Reads the bytes, which are lent from the body.
    package static func read(_ body: UnsafeRawBufferPointer) throws(WireError) -> UnsafeRawBufferPointer {
        var reader = WireReader(body)
        let bytes = try reader.bytes()
        try reader.end()
        return bytes
    }
}

/// TARGET and FREE_TARGET.
package enum TargetMessage {
    /// The message that makes a target of the JSON of its parameters.
    package static func message(number: UInt32, parameters: [UInt8]) -> OutgoingMessage {
        var message = OutgoingMessage(.target)
        message.append(number)
        parameters.withUnsafeBytes { message.append($0) }
        return message
    }

    /// The message that frees a target.
    package static func freeMessage(number: UInt32) -> OutgoingMessage {
        var message = OutgoingMessage(.freeTarget)
        message.append(number)
        return message
    }

    /// Reads TARGET; the parameters are lent from the body.
    package static func read(
        _ body: UnsafeRawBufferPointer
    ) throws(WireError) -> (number: UInt32, parameters: UnsafeRawBufferPointer) {
        var reader = WireReader(body)
        let number = try reader.uint32()
        let parameters = try reader.bytes()
        try reader.end()
        return (number, parameters)
    }

    /// Reads FREE_TARGET.
    package static func readFree(_ body: UnsafeRawBufferPointer) throws(WireError) -> UInt32 {
        var reader = WireReader(body)
        let number = try reader.uint32()
        try reader.end()
        return number
    }
}

/// SEALED: what is in force in a worker that has given up everything.
package struct SealedMessage: Sendable, Equatable {
    /// What the kernel reports; 0 if it has no Landlock.
    package let landlockABI: UInt32
    package let memoryLimitInBytes: UInt64
    /// How many system calls are allowed, some of them only with some arguments.
    package let allowedCalls: UInt32

    /// Says what is in force.
    package init(landlockABI: UInt32, memoryLimitInBytes: UInt64, allowedCalls: UInt32) {
        self.landlockABI = landlockABI
        self.memoryLimitInBytes = memoryLimitInBytes
        self.allowedCalls = allowedCalls
    }

    /// Reads the message.
    /// - Throws: ``WireError`` if it is none.
    package init(_ body: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(body)
        landlockABI = try reader.uint32()
        memoryLimitInBytes = try reader.uint64()
        allowedCalls = try reader.uint32()
        try reader.end()
    }

    /// The message.
    package func message() -> OutgoingMessage {
        var message = OutgoingMessage(.sealed)
        message.append(landlockABI)
        message.append(memoryLimitInBytes)
        message.append(allowedCalls)
        return message
    }
}

/// REFUSED: why a control message was not followed.
package struct RefusedMessage: Error, Sendable, Equatable {
    private static let maximumTextBytes = 8192

    package let reason: WorkerProtocol.Refusal
    /// The status that the plugin returned, or 0.
    package let status: gantry_status
    package let message: String
    /// The parameter that the plugin blames, or nothing.
    package let parameter: String

    /// Says why.
    ///
    /// - Parameters:
    ///   - reason: What the host makes of it.
    ///   - message: In words; it may be the plugin's own.
    ///   - status: What the plugin returned.
    ///   - parameter: What the plugin blames.
    package init(
        _ reason: WorkerProtocol.Refusal,
        _ message: String,
        status: gantry_status = Status.ok,
        parameter: String = ""
    ) {
        self.reason = reason
        self.status = status
        self.message = message
        self.parameter = parameter
    }

    /// Reads the message; texts are cut at 8 KiB.
    /// - Throws: ``WireError`` if it is none.
    package init(_ body: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(body)
        guard let reason = WorkerProtocol.Refusal(rawValue: try reader.uint32()) else {
            throw WireError("a refusal has no known reason")
        }
        self.reason = reason
        status = try reader.int32()
        message = String(lent: try reader.slice().prefix(Self.maximumTextBytes))
        parameter = String(lent: try reader.slice().prefix(Self.maximumTextBytes))
        try reader.end()
    }

    /// The message.
    package func outgoing() -> OutgoingMessage {
        var outgoing = OutgoingMessage(.refused)
        outgoing.append(reason.rawValue)
        outgoing.append(status)
        outgoing.append(message)
        outgoing.append(parameter)
        return outgoing
    }
}
