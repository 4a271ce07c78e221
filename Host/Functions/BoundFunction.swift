import CFFI
import CGantryPlugin
import Glibc

/// One argument of a call, lent for it.
package enum FunctionInput {
    /// For `i32` and `i64`.
    case integer(Int64)
    /// For `f64`.
    case real(Double)
    /// For `cstr` and `bytes`.
    case bytes(UnsafeRawBufferPointer)
}

/// What a call gave, lent until its receiver returns.
package struct FunctionOutcome {
    package enum Value {
        case nothing
        case integer(Int64)
        case real(Double)
        /// NULL instead of text.
        case null
        /// Text without its NUL.
        case text(UnsafeRawBufferPointer)
    }

    package let value: Value
    /// What was written to each `out`, in order.
    package let outputs: UnsafeBufferPointer<UnsafeRawBufferPointer>
}

/// A C function with its signature, ready to be called on any thread.
///
/// `@unchecked Sendable`: what the pointers lead to is written once, before anybody else has this object, and libffi
/// only reads it.
package final class BoundFunction: @unchecked Sendable {
    /// The most bytes that a text or an `out` has.
    package static let largestResult = 16 << 20

    typealias Release = @convention(c) (UnsafeMutableRawPointer?) -> Void

    package let symbol: String
    package let signature: FunctionSignature
    /// Of the arguments that a caller gives.
    let inputs: [FunctionSignature.Argument]
    let shape: FunctionFrame.Shape

    private let code: @convention(c) () -> Void
    private let release: Release?
    private let interface: UnsafeMutablePointer<ffi_cif>
    private let types: UnsafeMutableBufferPointer<UnsafeMutablePointer<ffi_type>?>

    /// Prepares the call of a function of this address.
    ///
    /// `release` is the address of the function that frees an owned result.
    init(
        symbol: String,
        signature: FunctionSignature,
        code: UnsafeMutableRawPointer,
        release: UnsafeMutableRawPointer?
    ) throws(FunctionError) {
        self.symbol = symbol
        self.signature = signature
        inputs = signature.inputs
        shape = FunctionFrame.Shape(signature)
        // The operator's manifest vouches for what the addresses lead to; libffi passes what the signature says.
        self.code = unsafeBitCast(code, to: (@convention(c) () -> Void).self)
        self.release = release.map { unsafeBitCast($0, to: Release.self) }
        types = .allocate(capacity: shape.words)
        interface = .allocate(capacity: 1)
        interface.initialize(to: ffi_cif())
        _ = types.initialize(from: signature.arguments.flatMap(\.types))
        let count = UInt32(truncatingIfNeeded: shape.words)
        guard ffi_prep_cif(interface, FFI_DEFAULT_ABI, count, signature.result.type, types.baseAddress) == FFI_OK else {
            throw FunctionError(.badBinding, "\(symbol): this machine cannot call a function with \(signature).")
        }
    }

    deinit {
        interface.deallocate()
        types.deallocate()
    }

    /// Calls the function.
    ///
    /// - Parameters:
    ///   - inputs: One for each argument but `out`, in order.
    ///   - capacity: The size of the buffer for each `out`; a function that needs more is called once more with it.
    ///   - receive: Gets the outcome, which ends with it.
    /// - Throws: ``FunctionError`` with `.badArgument`, `.badResult`, or `.failed` for a status other than 0.
    package func call(
        _ inputs: UnsafeBufferPointer<FunctionInput>,
        capacity: Int,
        _ receive: (FunctionOutcome) throws(FunctionError) -> Void
    ) throws(FunctionError) {
        guard inputs.count == self.inputs.count else {
            throw FunctionError(
                .badArgument,
                "\(symbol) takes \(self.inputs.count) arguments, not \(inputs.count)."
            )
        }
        let texts = try lengthOfTexts(inputs)
        var capacity = min(max(capacity, 1), Self.largestResult)
        var isRepeated = false
        while true {
            // The capacity that the function asks for, if it has not got it.
            let attempt: Result<Int?, FunctionError> = withUnsafeTemporaryAllocation(
                byteCount: max(shape.size + texts, 1),
                alignment: 16
            ) { memory in
                do throws(FunctionError) {
                    return .success(try self.attempt(inputs, capacity: capacity, memory, receive))
                } catch {
                    return .failure(error)
                }
            }
            guard let needed = try attempt.get() else { return }
            guard !isRepeated, needed <= Self.largestResult else {
                let most = isRepeated ? capacity : Self.largestResult
                throw FunctionError(.badResult, "\(symbol) wants to write \(needed) bytes; it has \(most).")
            }
            isRepeated = true
            capacity = needed
        }
    }

    private func attempt(
        _ inputs: UnsafeBufferPointer<FunctionInput>,
        capacity: Int,
        _ memory: UnsafeMutableRawBufferPointer,
        _ receive: (FunctionOutcome) throws(FunctionError) -> Void
    ) throws(FunctionError) -> Int? {
        let storage = FunctionFrame.makeStorage(shape, capacity: capacity)
        guard let start = memory.baseAddress, storage != nil || shape.outputs == 0 else {
            throw FunctionError(.badResult, "\(symbol): there is no memory for its result.")
        }
        var frame = FunctionFrame(shape, start, storage: storage, capacity: capacity)
        var next = 0
        for argument in signature.arguments {
            if argument == .out {
                frame.putOutput()
            } else {
                frame.put(inputs[next], as: argument)
                next += 1
            }
        }
        var word: UInt64 = 0
        ffi_call(interface, code, &word, frame.places)
        let text = signature.result.isPointer ? UnsafeMutableRawPointer(bitPattern: UInt(word)) : nil
        defer { if let text, let release { release(text) } }
        guard frame.isIntact else {
            throw FunctionError(.badResult, "\(symbol) has written past the end of its out.")
        }
        if let needed = frame.needed { return needed }
        try receive(FunctionOutcome(value: try value(word, text), outputs: frame.outputs))
        return nil
    }

    private func value(_ word: UInt64, _ text: UnsafeMutableRawPointer?) throws(FunctionError) -> FunctionOutcome.Value
    {
        switch signature.result {
        case .void: return .nothing
        case .i32: return .integer(Int64(Int32(truncatingIfNeeded: word)))
        case .i64: return .integer(Int64(bitPattern: word))
        case .f64: return .real(Double(bitPattern: word))
        case .status:
            let status = gantry_status(truncatingIfNeeded: word)
            guard status == GANTRY_OK else {
                throw FunctionError(
                    .failed,
                    "\(symbol) has failed with \(FunctionError.name(of: status)).",
                    status: status
                )
            }
            return .nothing
        case .cstr, .owned:
            guard let text else { return .null }
            let length = strnlen(text.assumingMemoryBound(to: CChar.self), Self.largestResult + 1)
            guard length <= Self.largestResult else {
                throw FunctionError(.badResult, "\(symbol) gave a text of more than \(Self.largestResult) bytes.")
            }
            return .text(UnsafeRawBufferPointer(start: text, count: length))
        }
    }

    /// How many bytes the texts among the inputs take with their NULs; checks every input.
    private func lengthOfTexts(_ inputs: UnsafeBufferPointer<FunctionInput>) throws(FunctionError) -> Int {
        var length = 0
        for (index, argument) in self.inputs.enumerated() {
            switch (argument, inputs[index]) {
            case (.i64, .integer), (.f64, .real), (.bytes, .bytes): break
            case (.i32, .integer(let number)):
                guard Int32(exactly: number) != nil else { throw refusal(index, "does not fit into an i32") }
            case (.cstr, .bytes(let bytes)):
                if let start = bytes.baseAddress, memchr(start, 0, bytes.count) != nil {
                    throw refusal(index, "has a NUL inside, which no cstr can have")
                }
                length += bytes.count + 1
            default: throw refusal(index, "is not what a \(argument.rawValue) is made of")
            }
        }
        return length
    }

    private func refusal(_ index: Int, _ problem: String) -> FunctionError {
        FunctionError(.badArgument, "argument \(index + 1) of \(symbol) \(problem).", argument: index)
    }
}

extension FunctionSignature.Argument {
    /// How many arguments of the C function it is.
    var width: Int { self == .bytes || self == .out ? 2 : 1 }

    fileprivate var types: [UnsafeMutablePointer<ffi_type>?] {
        switch self {
        case .i32: [gantry_ffi_i32()]
        case .i64: [gantry_ffi_i64()]
        case .f64: [gantry_ffi_f64()]
        case .cstr: [gantry_ffi_pointer()]
        // size_t is 64 bits wide on every machine that this runs on.
        case .bytes: [gantry_ffi_pointer(), gantry_ffi_i64()]
        case .out: [gantry_ffi_pointer(), gantry_ffi_pointer()]
        }
    }
}

extension FunctionSignature.Result {
    var isPointer: Bool {
        switch self {
        case .cstr, .owned: true
        case .void, .i32, .i64, .f64, .status: false
        }
    }

    fileprivate var type: UnsafeMutablePointer<ffi_type>? {
        switch self {
        case .void: gantry_ffi_void()
        case .i32, .status: gantry_ffi_i32()
        case .i64: gantry_ffi_i64()
        case .f64: gantry_ffi_f64()
        case .cstr, .owned: gantry_ffi_pointer()
        }
    }
}
