import CGantryPlugin
import HostFunctions
import Testing

struct FunctionTableTests {
    private func table(
        _ hooks: [(String, String, String)],
        _ functions: [(String, String, String)] = []
    ) throws
        -> FunctionTable
    {
        func bindings(_ list: [(String, String, String)]) throws -> [FunctionBinding] {
            try list.map {
                FunctionBinding(name: $0.0, symbol: $0.1, signature: try FunctionSignature(parsing: $0.2))
            }
        }
        return try FunctionTable(
            FunctionBindings(hooks: try bindings(hooks), functions: try bindings(functions)),
            in: try TestLibrary.shared.get()
        )
    }

    @Test
    func theHooksOfTheHeaderAreTheHooksOfTheHost() {
        let numbers = [
            GANTRY_HOOK_SIGN, GANTRY_HOOK_FILE_REF, GANTRY_HOOK_MODEL_NAME, GANTRY_HOOK_REQUEST_BODY,
            GANTRY_HOOK_RESPONSE_BODY, GANTRY_HOOK_STREAM_CHUNK, GANTRY_HOOK_COUNT_TOKENS,
        ]

        #expect(FunctionHook.allCases.map { Int($0.rawValue) } == numbers.map { Int($0) })
    }

    @Test
    func theExtensionIsThereIfAHookIsBound() throws {
        let bound = try table([("model_name", "joined", "status(cstr, cstr, out)")])
        let unbound = try table([], [("half", "half", "f64(f64)")])

        #expect(bound.extension(GANTRY_FUNCTIONS_EXTENSION) != nil)
        #expect(bound.extension("gantry.functions/2") == nil)
        #expect(bound.extension(nil) == nil)
        #expect(unbound.extension(GANTRY_FUNCTIONS_EXTENSION) == nil)
    }

    @Test
    func aHookGivesItsFunctionTheInputsInOrder() throws {
        let table = try table([
            ("model_name", "joined", "status(cstr, cstr, out)"), ("file_ref", "same", "cstr(cstr)"),
            ("sign", "signed_at", "status(cstr, cstr, bytes, i64, out)"), ("count_tokens", "length", "i64(bytes)"),
        ])
        let lent = try LentTable(table)

        #expect(lent.hooks == 1 << 1 | 1 << 2 | 1 << 3 | 1 << 7)
        #expect(lent.call(3, .text("gpt"), .text("chat")) == HookAnswer(status: 0, text: "gpt/chat"))
        #expect(lent.call(2, .text("file-1"), .text(""), .text("")) == HookAnswer(status: 0, text: "file-1"))
        #expect(
            lent.call(1, .text("POST"), .text("/v1"), .text("abc"), .number(99))
                == HookAnswer(status: 0, text: "X-Signature: POST /v1 3 99")
        )
        #expect(lent.call(7, .text("12345"), .text("")) == HookAnswer(status: 0, text: "", number: 5))
    }

    @Test
    func aFailureNamesHookAndFunction() throws {
        let lent = try LentTable(
            try table([
                ("model_name", "failing", "i32(cstr, out)"), ("file_ref", "nothing", "cstr()"),
                ("sign", "not_text", "cstr()"), ("request_body", "always_more", "status(out)"),
                ("count_tokens", "minus_one", "i64(bytes)"),
            ])
        )

        let model = lent.call(3, .text("gpt"), .text("chat"))
        let file = lent.call(2, .text("f"), .text(""), .text(""))
        let sign = lent.call(1, .text(""), .text(""), .text(""), .number(0))
        let body = lent.call(4, .text("{}"), .text("chat"))
        let count = lent.call(7, .text("{}"), .text("gpt"))

        #expect(model == HookAnswer(status: -7, text: "The hook model_name has failed: failing has failed with 77."))
        #expect(file == HookAnswer(status: -7, text: "The hook file_ref has failed: nothing gave NULL."))
        #expect(sign.status == -7 && sign.text?.contains("not UTF-8") == true)
        #expect(body.status == -7 && body.text?.contains("always_more wants to write") == true)
        #expect(count.status == -7 && count.text?.contains("-1, which is no count") == true)
    }

    @Test
    func garbageFromTheAdapterIsRefused() throws {
        let lent = try LentTable(try table([("model_name", "same", "cstr(cstr)")]))

        #expect(lent.call(4, .text("{}"), .text("chat")) == HookAnswer(status: -6, text: nil))
        #expect(lent.call(0) == HookAnswer(status: -6, text: nil))
        #expect(lent.call(99) == HookAnswer(status: -6, text: nil))
        #expect(lent.call(.max) == HookAnswer(status: -6, text: nil))
        #expect(lent.call(3).status == -2)
        #expect(lent.call(3, .text("a\0b"), .text("")).status == -2)
        #expect(lent.call(3, [gantry_value(bytes: gantry_slice(ptr: nil, len: 8), number: 0)]).status == -2)
    }

    @Test
    func aBindingThatMakesNoSenseIsRefused() {
        func refusal(_ hooks: [(String, String, String)]) -> String? {
            #expect(throws: FunctionError.self) { try table(hooks) }?.message
        }

        #expect(refusal([("nonsense", "same", "cstr(cstr)")]) == "there is no hook nonsense.")
        #expect(refusal([("model_name", "same", "i64(cstr)")])?.contains("position 1") == true)
        #expect(refusal([("model_name", "absent", "cstr(cstr)")])?.contains("no function absent") == true)
    }

    @Test
    func functionsAreCalledByTheirNames() throws {
        let table = try table([], [("halved", "half", "f64(f64)")])

        #expect(try table.call("halved", [.real(3)]).value == .real(1.5))
        #expect(table.signature(of: "halved")?.description == "f64(f64)")
        #expect(table.signature(of: "half") == nil)
        #expect(throws: FunctionError.self) { try table.call("half", [.real(3)]) }
    }
}

/// What a hook gave; no text if it gave nothing.
private struct HookAnswer: Equatable {
    var status: gantry_status
    var text: String?
    var number: Int64 = 0
}

private enum HookInput {
    case text(String)
    case number(Int64)
}

/// The extension as an adapter has it.
private struct LentTable {
    private let owner: FunctionTable
    private let table: gantry_functions

    init(_ owner: FunctionTable) throws {
        self.owner = owner
        let pointer = try #require(owner.extension(GANTRY_FUNCTIONS_EXTENSION))
        table = pointer.assumingMemoryBound(to: gantry_functions.self).pointee
    }

    var hooks: UInt64 { table.hooks }

    func call(_ hook: UInt32, _ inputs: HookInput...) -> HookAnswer {
        let texts = inputs.map { input -> [UInt8] in if case .text(let text) = input { Array(text.utf8) } else { [] } }
        let memory = texts.map { bytes in
            let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
            _ = buffer.initialize(from: bytes)
            return buffer
        }
        defer { for buffer in memory { buffer.deallocate() } }
        let values = zip(inputs, memory).map { input, buffer in
            var value = gantry_value(bytes: gantry_slice(ptr: buffer.baseAddress, len: buffer.count), number: 0)
            if case .number(let number) = input { value.number = number }
            return value
        }
        return call(hook, values)
    }

    func call(_ hook: UInt32, _ values: [gantry_value]) -> HookAnswer {
        var answer = HookAnswer(status: 0, text: nil)
        withUnsafeMutablePointer(to: &answer) { answer in
            var sink = gantry_value_sink(
                size: UInt32(MemoryLayout<gantry_value_sink>.size),
                reserved: 0,
                ctx: UnsafeMutableRawPointer(answer),
                emit: { context, value in
                    guard let value, let answer = context?.assumingMemoryBound(to: HookAnswer.self) else { return }
                    let bytes = UnsafeRawBufferPointer(start: value.pointee.bytes.ptr, count: value.pointee.bytes.len)
                    answer.pointee.text = String(decoding: bytes, as: UTF8.self)
                    answer.pointee.number = value.pointee.number
                }
            )
            answer.pointee.status = withExtendedLifetime(owner) {
                table.call(table.ctx, hook, values, values.count, &sink)
            }
        }
        return answer
    }
}
