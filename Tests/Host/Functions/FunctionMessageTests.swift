import HostFunctions
import HostPluginABI
import Testing

struct FunctionMessageTests {
    private static let plan = FunctionPlan(
        path: "/run/plugins/ab/plugin.so",
        name: "libäcme.so",
        bindings: FunctionBindings(
            hooks: [binding("model_name", "acme_model", "i32(cstr, out)")],
            functions: [binding("a", "b", "owned:free(bytes, f64)"), binding("c", "d", "void()")]
        )
    )
    private static let request = FunctionRequest(
        name: "tokens",
        arguments: [.integer(.min), .real(-0.5), .bytes([0, 255]), .bytes([])],
        limit: 1 << 20
    )
    private static let replies: [FunctionReply] = [
        .answer(FunctionAnswer(value: .null, outputs: [[1, 2], []])),
        .answer(FunctionAnswer(value: .integer(-1), outputs: [])),
        .answer(FunctionAnswer(value: .real(.infinity), outputs: [])),
        .answer(FunctionAnswer(value: .text([0, 9]), outputs: [[7]])),
    ]

    private static func binding(_ name: String, _ symbol: String, _ signature: String) -> FunctionBinding {
        do {
            return FunctionBinding(name: name, symbol: symbol, signature: try FunctionSignature(parsing: signature))
        } catch {
            preconditionFailure("The test's signature is wrong: \(error).")
        }
    }

    @Test
    func whatIsWrittenIsRead() throws {
        let plan = try Self.plan.encoded.withUnsafeBytes { try FunctionPlan(decoding: $0) }
        let request = try Self.request.encoded.withUnsafeBytes { try FunctionRequest(decoding: $0) }

        #expect(plan == Self.plan)
        #expect(request == Self.request)
        for reply in Self.replies {
            #expect(try reply.encoded.withUnsafeBytes { try FunctionReply(decoding: $0) } == reply)
        }
    }

    @Test
    func aCallIsRepliedToAlsoWhenItFails() throws {
        let table = try FunctionTable(
            FunctionBindings(functions: [
                Self.binding("halved", "half", "f64(f64)"), Self.binding("status", "status_of", "status(i32)"),
                Self.binding("joined", "joined", "status(cstr, cstr, out)"),
            ]),
            in: try TestLibrary.shared.get()
        )
        func reply(_ name: String, _ arguments: FunctionArgument...) throws -> FunctionReply {
            let request = FunctionRequest(name: name, arguments: arguments, limit: 100)
            let bytes = try request.encoded.withUnsafeBytes { try table.reply(to: $0) }
            return try bytes.withUnsafeBytes { try FunctionReply(decoding: $0) }
        }
        func failure(_ reply: FunctionReply) -> FunctionError? {
            if case .failure(let error) = reply { error } else { nil }
        }

        #expect(try reply("halved", .real(5)) == .answer(FunctionAnswer(value: .real(2.5), outputs: [])))
        #expect(failure(try reply("status", .integer(-6)))?.status == -6)
        #expect(failure(try reply("joined", .text("a"), .text("b\0")))?.argument == 1)
        #expect(failure(try reply("absent"))?.code == .symbolMissing)
        #expect(failure(try reply("joined", .text(String(repeating: "a", count: 200)), .text("")))?.code == .badResult)
    }

    @Test(arguments: [
        (FunctionAnswer(value: .null, outputs: Array(repeating: [], count: 12)), 10, true),
        (FunctionAnswer(value: .null, outputs: Array(repeating: [], count: 13)), 10, false),
        (
            FunctionAnswer(
                value: .text([UInt8](repeating: 1, count: 100)),
                outputs: [[UInt8](repeating: 2, count: 30)]
            ), 10, true
        ),
        (
            FunctionAnswer(
                value: .text([UInt8](repeating: 1, count: 100)),
                outputs: [[UInt8](repeating: 2, count: 31)]
            ), 10, false
        ),
        (FunctionAnswer(value: .text([1]), outputs: []), 0, false),
        (FunctionAnswer(value: .text([1]), outputs: []), Int.max, true),
    ])
    func anAnswerIsHeldToTheLimitOfItsRequest(answer: FunctionAnswer, limit: Int, isTaken: Bool) {
        let bytes = FunctionReply.answer(answer).encoded
        let reply: FunctionReply? = bytes.withUnsafeBytes { bytes in
            do throws(WireError) {
                return try FunctionReply(decoding: bytes, limit: limit)
            } catch {
                return nil
            }
        }

        #expect(reply == (isTaken ? FunctionReply.answer(answer) : nil))
    }

    @Test
    func theMessageOfAFailureIsCut() throws {
        let table = try FunctionTable(FunctionBindings(), in: try TestLibrary.shared.get())
        let request = FunctionRequest(name: String(repeating: "a", count: 10_000), arguments: [], limit: 1)
        let bytes = try request.encoded.withUnsafeBytes { try table.reply(to: $0) }
        let reply = try bytes.withUnsafeBytes { try FunctionReply(decoding: $0) }

        guard case .failure(let error) = reply else { return #expect(Bool(false), "it has failed") }
        #expect(bytes.count > 10_000)
        #expect(error.message.utf8.count == 4096)
    }

    @Test
    func whatIsCutOffOrGoesOnIsRefused() {
        let messages = [Self.plan.encoded, Self.request.encoded] + Self.replies.map(\.encoded)
        for bytes in messages {
            for count in bytes.indices { #expect(!isRead(Array(bytes[..<count]), like: bytes, messages)) }
            #expect(!isRead(bytes + [0], like: bytes, messages))
        }
    }

    @Test
    func garbageIsReadOrRefusedAndNothingElse() {
        var generator = SystemRandomNumberGenerator()
        for bytes in [Self.plan.encoded, Self.request.encoded] + Self.replies.map(\.encoded) {
            for _ in 0..<2000 {
                var garbage = bytes
                for _ in 0..<3 {
                    garbage[Int.random(in: garbage.indices)] = UInt8(truncatingIfNeeded: generator.next())
                }
                for message in 0..<3 { _ = isRead(garbage, as: message) }
            }
        }
    }

    private func isRead(_ bytes: [UInt8], like original: [UInt8], _ messages: [[UInt8]]) -> Bool {
        isRead(bytes, as: min(messages.firstIndex(of: original) ?? 0, 2))
    }

    private func isRead(_ bytes: [UInt8], as message: Int) -> Bool {
        bytes.withUnsafeBytes { bytes in
            do throws(WireError) {
                switch message {
                case 0: _ = try FunctionPlan(decoding: bytes)
                case 1: _ = try FunctionRequest(decoding: bytes)
                default: _ = try FunctionReply(decoding: bytes)
                }
                return true
            } catch {
                return false
            }
        }
    }
}
