/// What a C function takes and gives: `RESULT(ARGUMENT, ...)`, as gantry_functions.h has it.
package struct FunctionSignature: Sendable, Hashable, CustomStringConvertible {
    /// What a function returns.
    package enum Result: Sendable, Hashable {
        case void
        case i32
        case i64
        case f64
        /// Text that stays the library's.
        case cstr
        /// Text that the named function frees.
        case owned(String)
        /// 0, or why it has failed.
        case status
    }

    /// What a function is called with; `bytes` and `out` are two arguments of the C function.
    package enum Argument: String, Sendable, CaseIterable {
        case i32
        case i64
        case f64
        case cstr
        case bytes
        case out
    }

    /// The most arguments that a signature has.
    package static let mostArguments = 12

    package let result: Result
    package let arguments: [Argument]
    /// Where each argument stands in the text, from 1.
    let positions: [Int]

    /// Makes a signature; `positions` has as many items as `arguments`.
    init(result: Result, arguments: [Argument], positions: [Int]) {
        self.result = result
        self.arguments = arguments
        self.positions = positions
    }

    /// The signature as it is written.
    package var description: String {
        "\(result)(\(arguments.map(\.rawValue).joined(separator: ", ")))"
    }

    /// The arguments that a caller gives: all but `out`.
    package var inputs: [Argument] { arguments.filter { $0 != .out } }

    /// How many buffers the function writes to.
    package var outputCount: Int { arguments.count - inputs.count }

    package static func == (left: FunctionSignature, right: FunctionSignature) -> Bool {
        left.result == right.result && left.arguments == right.arguments
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(result)
        hasher.combine(arguments)
    }
}

extension FunctionSignature.Result: CustomStringConvertible {
    /// The result as it is written.
    package var description: String {
        switch self {
        case .void: "void"
        case .i32: "i32"
        case .i64: "i64"
        case .f64: "f64"
        case .cstr: "cstr"
        case .owned(let free): "owned:\(free)"
        case .status: "status"
        }
    }
}

/// Why a text is no signature, or none for what it is meant for.
package struct FunctionSignatureError: Error, Hashable, CustomStringConvertible {
    /// Which character of the text is at fault, from 1.
    package let position: Int
    /// One line: what is wrong there, and what to do.
    package let reason: String

    init(_ position: Int, _ reason: String) {
        self.position = position
        self.reason = reason
    }

    /// The position and the reason.
    package var description: String { "position \(position): \(reason)" }
}
