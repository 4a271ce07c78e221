import FoundationEssentials
import HostCore
import HostFunctions
import HostPlugins

/// A function of a C library, called once in a sandboxed process.
package struct FunctionTrial: Sendable {
    /// The most bytes of a file that is an argument, and of the answer.
    private static let largestValue = 16 << 20
    private static let memoryLimitInBytes: UInt64 = 512 << 20

    private let library: String
    private let binding: FunctionBinding

    /// Reads what is to be called.
    ///
    /// - Parameters:
    ///   - library: The library's path.
    ///   - symbol: The C name of the function.
    ///   - signature: What it takes and gives, as in a manifest.
    /// - Throws: ``ToolError`` with `.usage` that tells the position in the signature.
    package init(library: String, symbol: String, signature: String) throws(ToolError) {
        guard FunctionBinding.isSymbol(symbol) else {
            throw ToolError(.usage, "\(symbol): this is no name of a C function.")
        }
        do throws(FunctionSignatureError) {
            let signature = try FunctionSignature(parsing: signature)
            binding = FunctionBinding(name: symbol, symbol: symbol, signature: signature)
        } catch {
            throw ToolError(.usage, "\(signature): \(error)")
        }
        self.library = library
    }

    /// The arguments of a command line as what the signature says.
    ///
    /// - Parameter texts: One for each argument but `out`; for `bytes` also `@` and the path of a file.
    /// - Returns: The arguments.
    /// - Throws: ``ToolError`` that names the argument.
    package func arguments(_ texts: [String]) throws(ToolError) -> [FunctionArgument] {
        let inputs = binding.signature.inputs
        guard texts.count == inputs.count else {
            throw ToolError(
                .usage,
                "\(binding.signature) takes \(inputs.count) arguments, and \(texts.count) are given."
            )
        }
        var arguments: [FunctionArgument] = []
        for (index, text) in texts.enumerated() {
            guard let argument = try Self.argument(text, as: inputs[index]) else {
                throw ToolError(.usage, "argument \(index + 1), \(text), is no \(inputs[index].rawValue).")
            }
            arguments.append(argument)
        }
        return arguments
    }

    /// Calls the function and waits for its end.
    ///
    /// - Parameters:
    ///   - arguments: What ``arguments(_:)`` gave.
    ///   - executable: The path of `gantry-worker`.
    /// - Returns: What the function gave.
    /// - Throws: ``PluginError`` for the library; ``ToolError`` with `.refused` if the function failed or crashed.
    package func call(_ arguments: [FunctionArgument], worker executable: String) throws -> FunctionAnswer {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gantry-call-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        let outcome = Result { try call(arguments, in: folder, executable) }
        try FileManager.default.removeItem(atPath: folder)
        return try outcome.get()
    }

    private func call(
        _ arguments: [FunctionArgument],
        in folder: String,
        _ executable: String
    ) throws -> FunctionAnswer {
        let worker = try FunctionWorker(
            library: library,
            functions: FunctionBindings(functions: [binding]),
            runDirectory: folder,
            executable: executable,
            memoryLimitInBytes: Self.memoryLimitInBytes
        )
        do throws(FunctionCallError) {
            return try worker.call(binding.name, arguments, limit: Self.largestValue)
        } catch {
            throw ToolError(error.code == .badArgument ? .usage : .refused, error.message)
        }
    }

    private static func argument(
        _ text: String,
        as input: FunctionSignature.Argument
    ) throws(ToolError) -> FunctionArgument? {
        switch input {
        case .i32: Int32(text).map { .integer(Int64($0)) }
        case .i64: Int64(text).map { .integer($0) }
        case .f64: Double(text).map { .real($0) }
        case .cstr: .bytes(Array(text.utf8))
        case .bytes: .bytes(text.hasPrefix("@") ? try file(String(text.dropFirst())) : Array(text.utf8))
        case .out: nil
        }
    }

    private static func file(_ path: String) throws(ToolError) -> [UInt8] {
        do throws(PluginError) {
            return try LibraryFile.bytes(ofFile: path, atMost: largestValue)
        } catch {
            throw ToolError(.file, error.message)
        }
    }
}

/// What a function gave, for people and for scripts.
package struct FunctionReport: Encodable, Sendable {
    private enum CodingKeys: String, CodingKey {
        case result
        case outputs
    }

    private let answer: FunctionAnswer

    /// Makes a report.
    package init(_ answer: FunctionAnswer) { self.answer = answer }

    /// The result on one line, and a line for each output; bytes that are no text are hexadecimal.
    package var text: String {
        let result =
            switch answer.value {
            case .null: "nothing"
            case .integer(let number): "\(number)"
            case .real(let number): "\(number)"
            case .text(let bytes): Self.shown(bytes)
            }
        return (["result: \(result)"] + answer.outputs.map { "out: \(Self.shown($0))" }).joined(separator: "\n")
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch answer.value {
        case .null: try container.encodeNil(forKey: .result)
        case .integer(let number): try container.encode(number, forKey: .result)
        case .real(let number) where number.isFinite: try container.encode(number, forKey: .result)
        case .real(let number): try container.encode("\(number)", forKey: .result)
        case .text(let bytes): try container.encode(Self.shown(bytes), forKey: .result)
        }
        try container.encode(answer.outputs.map(Self.shown), forKey: .outputs)
    }

    private static func shown(_ bytes: [UInt8]) -> String {
        String(validating: bytes, as: UTF8.self) ?? "0x" + bytes.hexadecimal
    }
}
