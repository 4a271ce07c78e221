import CGantryPlugin
import Testing

@testable import HostPluginABI

struct HostileBytesTests {
    private static func samples() -> [(WorkerProtocol.Kind, [UInt8])] {
        let lender = Lender()
        var event = lender.event()
        var stepped = SteppedWriter(operation: 1)
        stepped.append(lender.request())
        stepped.append(lender.command(GANTRY_CMD_OUTPUT, data: "x", text: "y"))
        let messages = [
            StepMessage.message(operation: 1, new: nil, rules: EmissionRules(), event: &event),
            stepped.finished(status: 0, nanoseconds: 1),
            CallMessage(.cachePut, key: lender.slice("k"), value: lender.slice("v")).message(),
            ReturnMessage(status: -6, length: 0, result: UnsafeRawBufferPointer(start: nil, count: 0)).message(),
            LogMessage.message(
                level: 1,
                text: lender.slice("m"),
                fields: lender.array([lender.pair("a", "b")]),
                count: 1
            ),
            LoadMessage(path: "/a", dataSockets: 1, memoryLimitInBytes: 1, bindings: [1], folders: ["/b"]).message(),
            CheckMessage(path: "/a", memoryLimitInBytes: 1, rule: "r", scripts: [1], parameters: [("n", "v")])
                .message(),
            BytesMessage.message(.instance, [1, 2]), TargetMessage.message(number: 1, parameters: [3]),
            TargetMessage.freeMessage(number: 1), FreeMessage.message(operations: [2]),
            SealedMessage(landlockABI: 1, memoryLimitInBytes: 2, allowedCalls: 3).message(),
            RefusedMessage(.unsupported, "m", parameter: "p").outgoing(),
        ]
        return messages.compactMap { $0 }.map { ($0.kind, $0.body()) }
    }

    @Test
    func everyTruncationOfEveryMessageIsRefused() {
        for (kind, body) in Self.samples() {
            for length in body.indices {
                #expect(throws: WireError.self, "\(kind) of \(length)") { try Self.read(kind, Array(body[..<length])) }
            }
            #expect(throws: Never.self) { try Self.read(kind, body) }
        }
    }

    @Test
    func whatFollowsTheLastMemberIsRefused() {
        for (kind, body) in Self.samples() {
            #expect(throws: WireError.self, "\(kind)") { try Self.read(kind, body + [0]) }
        }
    }

    @Test
    func anyNumberInAnyPlaceIsReadOrRefusedAndNothingElse() {
        for (kind, body) in Self.samples() {
            for index in body.indices {
                for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                    var changed = body
                    changed[index] = value
                    _ = try? Self.read(kind, changed)
                    for next in changed[index...].indices.prefix(4) { changed[next] = value }
                    _ = try? Self.read(kind, changed)
                }
            }
        }
    }

    @Test
    func randomBytesAreReadOrRefusedAndNothingElse() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let body = (0..<Int.random(in: 0...120, using: &random)).map { _ -> UInt8 in
                Bool.random(using: &random) ? 0 : .random(in: 0...255, using: &random)
            }
            for kind in WorkerProtocol.Kind.allCases { _ = try? Self.read(kind, body) }
        }
    }

    @Test
    func packetsThatDoNotFitTogetherAreRefused() {
        let long = BytesMessage.message(.instance, [UInt8](repeating: 7, count: 150_000)).packets()
        let short = BytesMessage.message(.instance, [1]).packets()[0]
        #expect(long.count == 3)
        var otherKind = long[1]
        otherKind[0] = WorkerProtocol.Kind.target.rawValue
        var otherTotal = long[1]
        otherTotal[4] ^= 1
        var unmarked = short
        unmarked[1] = 0
        var reserved = short
        reserved[2] = 1
        var unknown = short
        unknown[0] = 200
        let wrong: [[[UInt8]]] = [
            [[]], [Array(short[..<7])], [unknown], [unmarked], [reserved], [Array(short.dropLast())], [short + [0]],
            [long[1]], [long[2]], [long[0], long[0]], [long[0], long[2]], [long[0], short], [long[0], otherKind],
            [long[0], otherTotal], [long[0], Array(long[1].dropLast())], [long[0] + [0]],
        ]
        for (index, packets) in wrong.enumerated() {
            #expect(throws: WireError.self, "\(index)") {
                var assembler = MessageAssembler()
                for packet in packets { try packet.withUnsafeBytes { try assembler.receive($0) { _, _ in } } }
            }
        }
    }

    @Test
    func aMessageThatIsAnnouncedAsTooLargeTakesNoMemory() {
        var packet = BytesMessage.message(.instance, [UInt8](repeating: 7, count: 150_000)).packets()[0]
        for index in 4..<8 { packet[index] = 0xFF }

        #expect(throws: WireError.self) {
            var assembler = MessageAssembler()
            try packet.withUnsafeBytes { try assembler.receive($0) { _, _ in } }
        }
    }

    private static func read(_ kind: WorkerProtocol.Kind, _ bytes: [UInt8]) throws(WireError) {
        // An own block of exactly that size, so that the address sanitizer sees a read past its end.
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        try WireProbe.read(kind, UnsafeRawBufferPointer(memory))
    }
}
