import CGantryPlugin
import HostPluginABI

/// A library of plain functions and what of it is bound: how a worker is told of it.
package struct FunctionPlan: Sendable, Hashable {
    /// A copy that has been checked.
    package let path: String
    /// What messages call the library.
    package let name: String
    package let bindings: FunctionBindings

    /// Makes a plan.
    package init(path: String, name: String, bindings: FunctionBindings) {
        self.path = path
        self.name = name
        self.bindings = bindings
    }

    /// Reads a plan.
    ///
    /// - Parameter bytes: What ``encoded`` gave.
    /// - Throws: ``WireError`` for anything else.
    package init(decoding bytes: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(bytes)
        path = try reader.text()
        name = try reader.text()
        bindings = FunctionBindings(hooks: try Self.list(&reader), functions: try Self.list(&reader))
        try reader.end()
    }

    /// The plan as bytes, for the `bindings` of ``LoadMessage``.
    package var encoded: [UInt8] {
        var message = OutgoingMessage(.load)
        message.append(path)
        message.append(name)
        for list in [bindings.hooks, bindings.functions] {
            message.append(UInt32(list.count))
            for binding in list {
                message.append(binding.name)
                message.append(binding.symbol)
                message.append(binding.signature.description)
            }
        }
        return message.body
    }

    /// Where the copy lies; a worker has to be able to read it.
    package var folder: String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }

    /// Opens the library in this process and binds its functions.
    ///
    /// - Returns: The functions.
    /// - Throws: ``FunctionError`` that names the library.
    package func open() throws(FunctionError) -> FunctionTable {
        try FunctionTable(bindings, in: try FunctionLibrary(opening: path, shownAs: name))
    }

    private static func list(_ reader: inout WireReader) throws(WireError) -> [FunctionBinding] {
        var list: [FunctionBinding] = []
        for _ in 0..<(try reader.count(leastBytes: 12)) {
            let (name, symbol, text) = (try reader.text(), try reader.text(), try reader.text())
            do throws(FunctionSignatureError) {
                let signature = try FunctionSignature(parsing: text)
                list.append(FunctionBinding(name: name, symbol: symbol, signature: signature))
            } catch {
                throw WireError("a signature is wrong: \(error)")
            }
        }
        return list
    }
}

/// A call of a function by its name: the body of FUNCTION.
package struct FunctionRequest: Sendable, Hashable {
    package let name: String
    package let arguments: [FunctionArgument]
    /// The most bytes of the answer.
    package let limit: Int

    private enum Tag {
        static let integer: UInt32 = 1
        static let real: UInt32 = 2
        static let bytes: UInt32 = 3
    }

    /// Makes a request.
    package init(name: String, arguments: [FunctionArgument], limit: Int) {
        self.name = name
        self.arguments = arguments
        self.limit = limit
    }

    /// Reads a request.
    ///
    /// - Parameter bytes: What ``encoded`` gave.
    /// - Throws: ``WireError`` for anything else.
    package init(decoding bytes: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(bytes)
        name = try reader.text()
        limit = Int(clamping: try reader.uint64())
        var arguments: [FunctionArgument] = []
        for _ in 0..<(try reader.count(leastBytes: 8)) {
            switch try reader.uint32() {
            case Tag.integer: arguments.append(.integer(Int64(bitPattern: try reader.uint64())))
            case Tag.real: arguments.append(.real(Double(bitPattern: try reader.uint64())))
            case Tag.bytes: arguments.append(.bytes(Array(try reader.bytes())))
            default: throw WireError("an argument is of an unknown kind")
            }
        }
        self.arguments = arguments
        try reader.end()
    }

    /// The request as bytes.
    package var encoded: [UInt8] {
        var message = OutgoingMessage(.function)
        message.append(name)
        message.append(UInt64(clamping: limit))
        message.append(UInt32(arguments.count))
        for argument in arguments {
            switch argument {
            case .integer(let number):
                message.append(Tag.integer)
                message.append(UInt64(bitPattern: number))
            case .real(let number):
                message.append(Tag.real)
                message.append(number.bitPattern)
            case .bytes(let bytes):
                message.append(Tag.bytes)
                bytes.withUnsafeBytes { message.append($0) }
            }
        }
        return message.body
    }
}

extension FunctionTable {
    /// Answers the body of FUNCTION with that of RESULT.
    ///
    /// - Parameter request: What ``FunctionRequest/encoded`` gave.
    /// - Returns: What ``FunctionReply/encoded`` gives: the failure of a call is a reply too.
    /// - Throws: ``WireError`` for anything else.
    package func reply(to request: UnsafeRawBufferPointer) throws(WireError) -> [UInt8] {
        let request = try FunctionRequest(decoding: request)
        do throws(FunctionError) {
            return FunctionReply.answer(try call(request.name, request.arguments, limit: request.limit)).encoded
        } catch {
            return FunctionReply.failure(error).encoded
        }
    }
}

/// What came of a call: the body of RESULT.
package enum FunctionReply: Sendable, Hashable {
    case answer(FunctionAnswer)
    case failure(FunctionError)

    /// The most bytes of a failure's message; what is longer is cut.
    private static let longestMessage = 4096
    /// The most buffers and texts of one answer: every argument may be an `out`, and the result is a text.
    private static let mostParts = FunctionSignature.mostArguments + 1

    private enum Tag {
        static let null: UInt32 = 0
        static let integer: UInt32 = 1
        static let real: UInt32 = 2
        static let text: UInt32 = 3
        static let failure: UInt32 = 16
    }

    /// Reads a reply, which a worker has written that is not trusted.
    ///
    /// - Parameters:
    ///   - bytes: What ``encoded`` gave.
    ///   - limit: That of the request.
    /// - Throws: ``WireError`` for anything else, and for more than any function may give.
    package init(
        decoding bytes: UnsafeRawBufferPointer,
        limit: Int = BoundFunction.largestResult
    ) throws(WireError) {
        var reader = WireReader(bytes)
        let tag = try reader.uint32()
        guard tag != Tag.failure else {
            self = .failure(try Self.failure(&reader))
            try reader.end()
            return
        }
        let (most, isBeyond) = limit.multipliedReportingOverflow(by: Self.mostParts)
        var room = isBeyond ? Int.max : most
        func part() throws(WireError) -> [UInt8] {
            let bytes = try reader.bytes()
            guard bytes.count <= room else { throw WireError("a result is too large") }
            room -= bytes.count
            return Array(bytes)
        }
        let value: FunctionAnswer.Value
        switch tag {
        case Tag.null: value = .null
        case Tag.integer: value = .integer(Int64(bitPattern: try reader.uint64()))
        case Tag.real: value = .real(Double(bitPattern: try reader.uint64()))
        case Tag.text: value = .text(try part())
        default: throw WireError("a result is of an unknown kind")
        }
        var outputs: [[UInt8]] = []
        let count = try reader.count(leastBytes: 4)
        guard count <= FunctionSignature.mostArguments else { throw WireError("a result has too many outputs") }
        for _ in 0..<count { outputs.append(try part()) }
        try reader.end()
        self = .answer(FunctionAnswer(value: value, outputs: outputs))
    }

    /// The reply as bytes.
    package var encoded: [UInt8] {
        var message = OutgoingMessage(.result)
        switch self {
        case .failure(let error):
            message.append(Tag.failure)
            message.append(error.code.rawValue)
            message.append(error.message)
            message.append(error.argument.map { Int32(clamping: $0) } ?? -1)
            message.append(error.status)
        case .answer(let answer):
            switch answer.value {
            case .null: message.append(Tag.null)
            case .integer(let number):
                message.append(Tag.integer)
                message.append(UInt64(bitPattern: number))
            case .real(let number):
                message.append(Tag.real)
                message.append(number.bitPattern)
            case .text(let bytes):
                message.append(Tag.text)
                bytes.withUnsafeBytes { message.append($0) }
            }
            message.append(UInt32(answer.outputs.count))
            for output in answer.outputs { output.withUnsafeBytes { message.append($0) } }
        }
        return message.body
    }

    private static func failure(_ reader: inout WireReader) throws(WireError) -> FunctionError {
        guard let code = FunctionError.Code(rawValue: try reader.text()) else {
            throw WireError("a failure is of an unknown kind")
        }
        let message = String(lent: try reader.slice().prefix(longestMessage))
        let (argument, status) = (try reader.int32(), try reader.int32())
        return FunctionError(code, message, argument: argument < 0 ? nil : Int(argument), status: status)
    }
}

extension OutgoingMessage {
    /// The body alone, as a part of another message.
    fileprivate var body: [UInt8] { Array((copy self).takeStorage().dropFirst(WorkerProtocol.headerBytes)) }
}
