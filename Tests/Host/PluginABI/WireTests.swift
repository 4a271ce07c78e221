import CGantryPlugin
import Testing

@testable import HostPluginABI

struct WireTests {
    @Test(arguments: [0, 5, 65_000, 65_528, 200_000])
    func aStepArrivesAsItWasSent(dataBytes: Int) throws {
        let lender = Lender()
        var event = lender.event(dataBytes: dataBytes)
        var rules = EmissionRules()
        (rules.outstanding, rules.mayPull, rules.isCancelled) = (9, true, true)

        var message = StepMessage.message(operation: 77, new: (target: 3, kind: 2), rules: rules, event: &event)
        let freed: [UInt64] = dataBytes == 0 ? [] : [5, .max]
        if !freed.isEmpty { StepMessage.append(freed: freed, to: &message) }
        let (kind, body) = try #require(try assemble(message.packets()))
        var arrays = LentArrays()
        let read = try body.withUnsafeBytes { body in
            try StepMessage.read(body, &arrays) { step, event in (step, description(of: event.pointee)) }
        }

        #expect(kind == .step)
        #expect(read.1 == description(of: event))
        #expect(read.0.operation == 77)
        #expect(read.0.freed == freed)
        #expect((read.0.target, read.0.kind) == (3, 2))
        #expect(read.0.flags == [.new, .mayPull, .isCancelled, .hasOutstanding])
        var applied = EmissionRules()
        read.0.apply(to: &applied)
        #expect((applied.outstanding, applied.mayPull, applied.isCancelled) == (9, true, true))
    }

    @Test
    func theCommandsOfAStepArriveAsTheyWereEmitted() throws {
        let lender = Lender()
        let commands = [
            lender.command(GANTRY_CMD_REMEMBER, data: "file-1", text: "file"), lender.request(),
            lender.command(GANTRY_CMD_OUTPUT, data: String(repeating: "x", count: 150_000), text: "delta"),
        ]

        var writer = SteppedWriter(operation: 5)
        for command in commands { writer.append(command) }
        let message = writer.finished(status: -7, nanoseconds: 5_000_000_001)
        let (kind, body) = try #require(try assemble(message.packets()))
        var (seen, arrays) = ([String](), LentArrays())
        let stepped = try body.withUnsafeBytes { body in
            let stepped = try SteppedMessage(body)
            try stepped.forEachCommand(&arrays) {
                seen.append(description(of: $0.pointee))
                return Status.ok
            }
            return stepped
        }

        #expect(kind == .stepped)
        #expect(seen == commands.map(description(of:)))
        #expect((stepped.operation, stepped.status, stepped.wasRefused) == (5, -7, false))
        #expect(stepped.nanoseconds == 5_000_000_001)
    }

    @Test
    func aCommandThatIsNotAcceptedMakesTheAnswerGarbage() throws {
        let lender = Lender()
        var writer = SteppedWriter(operation: 5)
        for _ in 0..<2 { writer.append(lender.request()) }
        let body = writer.finished(status: 0, nanoseconds: 1).body()
        var (rules, arrays) = (EmissionRules(), LentArrays())

        #expect(throws: WireError.self) {
            try body.withUnsafeBytes { body in
                try SteppedMessage(body).forEachCommand(&arrays) { rules.status(of: $0) }
            }
        }
    }

    @Test
    func controlMessagesArriveAsTheyWereSent() throws {
        var load = LoadMessage(path: "/a/b.so", dataSockets: 2, memoryLimitInBytes: 1 << 28)
        (load.bindings, load.folders) = ([1, 2, 3], ["/opt/x", ""])
        let loaded = try load.message().body().withUnsafeBytes { try LoadMessage($0) }
        #expect((loaded.path, loaded.bindings, loaded.folders) == (load.path, load.bindings, load.folders))
        #expect((loaded.dataSockets, loaded.memoryLimitInBytes) == (2, 1 << 28))

        let check = try CheckMessage(
            path: "/a.so",
            memoryLimitInBytes: 7,
            rule: "free",
            scripts: [9, 0],
            parameters: [("model", "m"), ("", "{}")]
        ).message().body().withUnsafeBytes { try CheckMessage($0) }
        #expect((check.load.path, check.load.memoryLimitInBytes, check.load.dataSockets) == ("/a.so", 7, 0))
        #expect((check.rule, check.scripts) == ("free", [9, 0]))
        #expect(check.parameters.map(\.name) == ["model", ""])
        #expect(check.parameters.map(\.value) == ["m", "{}"])

        let refused = RefusedMessage(.configurationRefused, "no \u{1F4A5}", status: -2, parameter: "api_base")
        #expect(try refused.outgoing().body().withUnsafeBytes { try RefusedMessage($0) } == refused)
        let sealed = SealedMessage(landlockABI: 7, memoryLimitInBytes: 9, allowedCalls: 21)
        #expect(try sealed.message().body().withUnsafeBytes { try SealedMessage($0) } == sealed)
        for operations in [[3], [], [1, .max]] as [[UInt64]] {
            let body = FreeMessage.message(operations: operations).body()
            #expect(try body.withUnsafeBytes { try FreeMessage.read($0) } == operations)
        }
        #expect(try TargetMessage.freeMessage(number: 8).body().withUnsafeBytes { try TargetMessage.readFree($0) } == 8)
    }

    @Test
    func aCallAndItsAnswerArriveAsTheyWereSent() throws {
        let lender = Lender()
        let call = CallMessage(
            .sign,
            algorithm: 2,
            milliseconds: 4,
            capacity: 1 << 40,
            key: lender.slice("key"),
            value: lender.slice("value")
        )
        try call.message().body().withUnsafeBytes { body in
            let read = try CallMessage(body)
            #expect((read.function, read.algorithm, read.milliseconds) == (.sign, 2, 4))
            #expect(read.capacity == CallMessage.maximumResultBytes)
            #expect(description(of: read.key) == Array("key".utf8))
            #expect(description(of: read.value) == Array("value".utf8))
        }
        try [UInt8](repeating: 1, count: 32).withUnsafeBytes { result in
            let body = ReturnMessage(status: 0, length: 32, result: result).message().body()
            let count = try body.withUnsafeBytes { try ReturnMessage($0, capacity: 32).result.count }
            #expect(count == 32)
            #expect(throws: WireError.self) { try body.withUnsafeBytes { try ReturnMessage($0, capacity: 31) } }
        }
    }

    @Test
    func aMessageOfAnotherVersionIsRefusedWithBoth() throws {
        var body = LoadMessage(path: "/a", dataSockets: 1, memoryLimitInBytes: 1).message().body()
        body[0] = 99

        let error = #expect(throws: WireError.self) { try body.withUnsafeBytes { try LoadMessage($0) } }

        #expect(error?.description.contains("version 99") == true)
    }

    @Test
    func aLogLineIsCutBeforeItIsSent() throws {
        let lender = Lender()
        let long = String(repeating: "v", count: 3000)
        let fields = (0..<LogMessage.maximumFields).map { _ in lender.pair("field", long) }
        let message = try #require(
            LogMessage.message(level: 1, text: lender.slice("m"), fields: lender.array(fields), count: fields.count)
        )
        var body = message.body()
        var (lengths, arrays) = ([Int](), LentArrays())

        try body.withUnsafeBytes { body in
            try LogMessage.read(body, &arrays) { _, text, fields, count in
                lengths = [text.len] + UnsafeBufferPointer(start: fields, count: count).map { $0.value.len }
            }
        }

        #expect(lengths == [1, 3000, 3000, LogMessage.maximumLineBytes - 6001 - 15])
        body += [UInt8](repeating: 0, count: 1000)
        let error = #expect(throws: WireError.self) {
            try body.withUnsafeBytes { try LogMessage.read($0, &arrays) { _, _, _, _ in } }
        }
        #expect(error?.description.contains("too long") == true)
    }

    @Test
    func whatIsTooLargeSaysSo() {
        let length = WorkerProtocol.maximumMessageBytes + 1
        // The memory is never looked at: its length alone is too much.
        let one = [UInt8(0)]
        one.withUnsafeBytes { byte in
            var message = OutgoingMessage(.instance)
            message.append(UnsafeRawBufferPointer(start: byte.baseAddress, count: length))
            #expect(message.isTooLarge)
        }
    }

    @Test
    func aWorkersMessagesAreBoundedByItsMemory() {
        let bound = { WorkerProtocol.longestWorkerMessage(memoryInBytes: $0) }
        #expect(bound(256 << 20) == 65 << 20)
        #expect(bound(.max) == WorkerProtocol.maximumMessageBytes)
        // A worker of little memory may still have something signed.
        #expect(bound(0) == 17 << 20)
        #expect(bound(.min) == 17 << 20)
    }

    @Test
    func theLongestAnswerOfAWorkerFits() throws {
        let memoryInBytes = 96 << 20
        let lender = Lender()
        var command = lender.command(GANTRY_CMD_OUTPUT, data: String(repeating: "x", count: 1 << 20))
        var (rules, writer) = (EmissionRules(maximumBytes: memoryInBytes / 4), SteppedWriter(operation: 1))

        while let admitted = try? rules.admit(&command) { writer.append(admitted.value) }
        command = lender.command(GANTRY_CMD_OUTPUT, data: "")
        while let admitted = try? rules.admit(&command) { writer.append(admitted.value) }
        let message = writer.finished(status: 0, nanoseconds: 1)

        #expect(message.bodyBytes > memoryInBytes / 4 + EmissionRules.maximumCommands * 50)
        #expect(message.bodyBytes <= WorkerProtocol.longestWorkerMessage(memoryInBytes: memoryInBytes))
    }

    private func assemble(_ packets: [[UInt8]]) throws -> (WorkerProtocol.Kind, [UInt8])? {
        var assembler = MessageAssembler()
        for (index, packet) in packets.enumerated() {
            #expect(packet.count <= WorkerProtocol.maximumPacketBytes)
            let whole = try packet.withUnsafeBytes { packet throws in
                try assembler.receive(packet) { kind, body throws(WireError) in (kind, Array(body)) }
            }
            #expect((whole != nil) == (index == packets.count - 1))
            if let whole { return whole }
        }
        return nil
    }
}
