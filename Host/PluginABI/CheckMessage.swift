/// CHECK: a library and the rule that it is put through, instead of serving.
package struct CheckMessage: Sendable {
    /// What is opened.
    package let load: LoadMessage
    /// The rule's name.
    package let rule: String
    /// The text of scripts; empty for those that the checker makes.
    package let scripts: [UInt8]
    /// Parameters of the deployment by name.
    package let parameters: [(name: String, value: String)]

    /// Says what to check.
    ///
    /// - Parameters:
    ///   - path: The library's private copy.
    ///   - memoryLimitInBytes: The most memory that the worker may map.
    ///   - rule: The rule's name.
    ///   - scripts: The text of scripts; empty for those that the checker makes.
    ///   - parameters: Parameters of the deployment by name.
    package init(
        path: String,
        memoryLimitInBytes: UInt64,
        rule: String,
        scripts: [UInt8],
        parameters: [(name: String, value: String)]
    ) {
        load = LoadMessage(path: path, dataSockets: 0, memoryLimitInBytes: memoryLimitInBytes)
        self.rule = rule
        self.scripts = scripts
        self.parameters = parameters
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
        let memoryLimitInBytes = try reader.uint64()
        let path = try reader.text()
        load = LoadMessage(path: path, dataSockets: 0, memoryLimitInBytes: memoryLimitInBytes)
        rule = try reader.text()
        scripts = Array(try reader.bytes())
        var parameters: [(name: String, value: String)] = []
        for _ in 0..<(try reader.count(leastBytes: 8)) {
            parameters.append((name: try reader.text(), value: try reader.text()))
        }
        self.parameters = parameters
        try reader.end()
    }

    /// The message.
    package func message() -> OutgoingMessage {
        var message = OutgoingMessage(.check)
        message.append(WorkerProtocol.version)
        message.append(load.memoryLimitInBytes)
        message.append(load.path)
        message.append(rule)
        scripts.withUnsafeBytes { message.append($0) }
        message.append(UInt32(parameters.count))
        for (name, value) in parameters {
            message.append(name)
            message.append(value)
        }
        return message
    }
}
