import ArgumentParser
import HostFunctions

/// A plain C function is called through libffi.
struct FunctionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "function",
        abstract: "One call of a plain function; calls are timed by the thousand."
    )

    @Option(help: "The library's path.")
    var library: String

    @Option(help: "The function's name; it takes nothing but one integer or one piece of bytes.")
    var symbol: String

    @Option(help: "Its signature, such as i64(bytes).")
    var signature: String

    @Option(help: "Thousands of calls.")
    var thousands = 1000

    func run() async throws {
        let library = try FunctionLibrary(opening: library, shownAs: library)
        let signature = try FunctionSignature(parsing: signature)
        let function = try library.function(symbol, signature)
        let text: [UInt8] = Array("What is in this?".utf8)
        var found = BenchTimes()
        try text.withUnsafeBytes { bytes in
            let inputs = signature.inputs.map { $0 == .bytes || $0 == .cstr ? FunctionInput.bytes(bytes) : .integer(7) }
            try inputs.withUnsafeBufferPointer { inputs in
                for _ in 0..<thousands {
                    let start = nanoseconds()
                    for _ in 0..<1000 { try function.call(inputs, capacity: 64) { _ throws(FunctionError) in } }
                    found.add((nanoseconds() - start) / 1000)
                }
            }
        }
        try BenchReport(found).print()
    }
}
