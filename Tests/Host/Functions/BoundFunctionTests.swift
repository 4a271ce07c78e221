import Foundation
import HostFunctions
import Testing

struct BoundFunctionTests {
    @Test
    func everyKindOfResultArrives() throws {
        #expect(try TestLibrary.call("count_call", "void()").value == .null)
        #expect(try TestLibrary.call("negate", "i32(i32)", .integer(2_147_483_647)).value == .integer(-2_147_483_647))
        #expect(try TestLibrary.call("twice", "i64(i64)", .integer(-(1 << 62))).value == .integer(.min))
        #expect(try TestLibrary.call("half", "f64(f64)", .real(5)).value == .real(2.5))
        #expect(try TestLibrary.call("greeting", "cstr()").value == .text("good day"))
        #expect(try TestLibrary.call("copied", "owned:free(cstr)", .text("abc")).value == .text("abc"))
        #expect(try TestLibrary.call("status_of", "status(i32)", .integer(0)).value == .null)
    }

    @Test
    func everyKindOfArgumentArrives() throws {
        let answer = try TestLibrary.call(
            "twelve",
            "i64(i32, i64, f64, cstr, bytes, i32, i64, f64, cstr, bytes, out, i32)",
            .integer(-1),
            .integer(1 << 40),
            .real(0.5),
            .text("tëxt"),
            .text("bytes"),
            .integer(6),
            .integer(-7),
            .real(8),
            .text(""),
            .bytes([]),
            .integer(12)
        )

        #expect(answer.value == .integer(12))
        #expect(answer.outputs.map(\.text) == ["-1|1099511627776|0.5|tëxt|bytes|6|-7|8|||12"])
    }

    @Test
    func nullIsNoText() throws {
        #expect(try TestLibrary.call("nothing", "cstr()").value == .null)
        #expect(try TestLibrary.call("none_owned", "owned:count_free()").value == .null)
    }

    @Test
    func whatIsOwnedIsFreedOnceByTheNamedFunction() throws {
        let library = try FunctionLibrary(opening: try TestLibrary.compile(Self.counting), shownAs: "counting.so")
        let text = try library.function("make", try FunctionSignature(parsing: "owned:release(i32, out)"))
        let live = try library.function("live", try FunctionSignature(parsing: "i32()"))

        #expect(try text.call([.integer(10)]).value == .text("0123456789"))
        // Too small at first: both texts are freed.
        #expect(try text.call([.integer(100_000)]).outputs[0].count == 100_000)
        #expect(throws: FunctionError.self) { try text.call([.integer(100_000)], limit: 50_000) }

        #expect(try live.call([]).value == .integer(0))
    }

    private static let counting = """
        #include <stdint.h>
        #include <stdlib.h>
        #include <string.h>
        static int live_texts;
        char *make(int32_t count, uint8_t *out, size_t *length)
        {
          live_texts++;
          *length = (size_t)count;
          return strdup("0123456789");
        }
        void release(void *text) { live_texts--; free(text); }
        int32_t live(void) { return live_texts; }
        """

    @Test
    func aStatusBelowZeroIsAFailureWithItsName() {
        let error = #expect(throws: FunctionError.self) {
            try TestLibrary.call("status_of", "status(i32)", .integer(-5))
        }

        #expect(error?.code == .failed)
        #expect(error?.status == -5)
        #expect(error?.message == "status_of has failed with GANTRY_E_LIMIT.")
        #expect(throws: FunctionError.self) { try TestLibrary.call("status_of", "status(i32)", .integer(1)) }
    }

    @Test
    func anOutIsZeroedAndHasTheLengthThatTheFunctionWrote() throws {
        #expect(try TestLibrary.call("is_zeroed", "i64(out)").value == .integer(0))
        let answer = try TestLibrary.call("two_outs", "i32(out, f64, out)", .real(41))

        #expect(answer.value == .integer(9))
        #expect(answer.outputs.map(\.text) == ["41", "42"])
    }

    @Test(arguments: [0, 1, 16_383, 16_384, 16_385, 1_000_000])
    func anOutThatIsTooSmallGrowsOnce(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }

        let answer = try TestLibrary.call("reversed", "status(bytes, out)", .bytes(bytes))

        #expect(answer.outputs == [bytes.reversed()])
    }

    @Test(arguments: [("always_more", "wants to write"), ("endless", "wants to write"), ("overflows", "past the end")])
    func anOutHasLimits(symbol: String, reason: String) {
        let error = #expect(throws: FunctionError.self) { try TestLibrary.call(symbol, "status(out)") }

        #expect(error?.code == .badResult)
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    }

    @Test
    func aTextHasLimits() throws {
        let most = BoundFunction.largestResult

        let longest = try TestLibrary.call("long_text", "owned:free(i64)", .integer(Int64(most)))
        let error = #expect(throws: FunctionError.self) {
            try TestLibrary.call("long_text", "owned:free(i64)", .integer(Int64(most) + 1))
        }

        guard case .text(let text) = longest.value else { return #expect(Bool(false), "It is no text.") }
        #expect(text.count == most)
        #expect(error?.code == .badResult)
    }

    @Test
    func emptyBytesAreNotNull() throws {
        #expect(try TestLibrary.call("length", "i64(bytes)", .bytes([])).value == .integer(0))
        #expect(try TestLibrary.call("text_length", "i64(cstr)", .bytes([])).value == .integer(0))
    }

    @Test
    func anArgumentThatDoesNotFitIsToldByItsPlace() {
        func place(_ symbol: String, _ signature: String, _ arguments: [FunctionArgument]) -> Int? {
            let error = #expect(throws: FunctionError.self) {
                try TestLibrary.function(symbol, signature).call(arguments)
            }
            #expect(error?.code == .badArgument)
            return error?.argument
        }

        #expect(place("negate", "i32(i32)", [.integer(1 << 31)]) == 0)
        #expect(place("negate", "i32(i32)", [.real(1)]) == 0)
        #expect(place("joined", "status(cstr, cstr, out)", [.text("a"), .text("b\0c")]) == 1)
        #expect(place("half", "f64(f64)", [.text("1")]) == 0)
        #expect(place("half", "f64(f64)", []) == nil)
        #expect(place("half", "f64(f64)", [.real(1), .real(2)]) == nil)
    }

    @Test
    func whatIsNotThereCannotBeBound() {
        let symbol = #expect(throws: FunctionError.self) { try TestLibrary.function("missing", "void()") }
        let free = #expect(throws: FunctionError.self) { try TestLibrary.function("copied", "owned:missing(cstr)") }
        let library = #expect(throws: FunctionError.self) {
            try FunctionLibrary(opening: "/nonexistent/library.so", shownAs: "library.so")
        }

        #expect(symbol?.message == "libtest.so: it has no function missing. Correct the symbol.")
        #expect(free?.message == "libtest.so: it has no function missing. Correct the symbol.")
        #expect(library?.code == .libraryRefused)
    }

    @Test
    func manyThreadsCallAtTheSameTime() async throws {
        let function = try TestLibrary.function("reversed", "status(bytes, out)")

        let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
            for seed in 0..<8 {
                group.addTask {
                    var wrong = 0
                    for round in 0..<500 {
                        let bytes = [UInt8(seed), UInt8(truncatingIfNeeded: round), 3]
                        if try function.call([.bytes(bytes)]).outputs != [bytes.reversed()] { wrong += 1 }
                    }
                    return wrong
                }
            }
            return try await group.reduce(0, +)
        }

        #expect(wrong == 0)
    }
}
