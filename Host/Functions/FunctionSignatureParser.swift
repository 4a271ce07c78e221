extension FunctionSignature {
    /// Reads a signature.
    ///
    /// - Parameter text: `RESULT(ARGUMENT, ...)`; blanks may stand between its words.
    /// - Throws: ``FunctionSignatureError``, which tells the position.
    package init(parsing text: String) throws(FunctionSignatureError) {
        var parser = FunctionSignatureParser(text)
        self = try parser.signature()
    }
}

/// Reads the text of a signature from left to right.
struct FunctionSignatureParser {
    private static let longest = 512

    private let bytes: [UInt8]
    private var index = 0

    init(_ text: String) { bytes = Array(text.utf8.prefix(Self.longest + 1)) }

    mutating func signature() throws(FunctionSignatureError) -> FunctionSignature {
        guard bytes.count <= Self.longest else {
            throw FunctionSignatureError(Self.longest + 1, "a signature has at most \(Self.longest) characters.")
        }
        let result = try result()
        guard skip("(") else { throw expected("( and the arguments after the result") }
        var arguments: [FunctionSignature.Argument] = []
        var positions: [Int] = []
        if !skip(")") {
            repeat {
                let (argument, position) = try argument()
                guard arguments.count < FunctionSignature.mostArguments else {
                    throw FunctionSignatureError(
                        position,
                        "a function has at most \(FunctionSignature.mostArguments) arguments here."
                    )
                }
                arguments.append(argument)
                positions.append(position)
            } while skip(",")
            guard skip(")") else { throw expected(", or ) after an argument") }
        }
        skipBlanks()
        guard index == bytes.count else {
            throw FunctionSignatureError(index + 1, "there is something after the ). Remove it.")
        }
        return FunctionSignature(result: result, arguments: arguments, positions: positions)
    }

    private mutating func result() throws(FunctionSignatureError) -> FunctionSignature.Result {
        let (word, position) = word()
        switch word {
        case "void": return .void
        case "i32": return .i32
        case "i64": return .i64
        case "f64": return .f64
        case "cstr": return .cstr
        case "status": return .status
        case "owned":
            guard skip(":") else { throw expected(": and the function that frees the text, such as owned:free") }
            let (free, position) = self.word()
            guard FunctionBinding.isSymbol(free) else {
                throw FunctionSignatureError(position, "owned: is followed by the function that frees the text.")
            }
            return .owned(free)
        default:
            throw FunctionSignatureError(
                position,
                "\(Self.shown(word)) is no result. It is one of void, i32, i64, f64, cstr, owned:FREE, status."
            )
        }
    }

    private mutating func argument() throws(FunctionSignatureError) -> (FunctionSignature.Argument, Int) {
        let (word, position) = word()
        guard let argument = FunctionSignature.Argument(rawValue: word) else {
            let known = FunctionSignature.Argument.allCases.map(\.rawValue).joined(separator: ", ")
            let advice = word == "void" ? " Write () for none." : ""
            throw FunctionSignatureError(
                position,
                "\(Self.shown(word)) is no argument. It is one of \(known).\(advice)"
            )
        }
        return (argument, position)
    }

    /// The next run of letters, digits and _, which may be empty, and its position.
    private mutating func word() -> (String, Int) {
        skipBlanks()
        let start = index
        while index < bytes.count, FunctionBinding.isSymbolByte(bytes[index]) { index += 1 }
        return (String(decoding: bytes[start..<index], as: UTF8.self), start + 1)
    }

    private mutating func skipBlanks() {
        while index < bytes.count, bytes[index] == UInt8(ascii: " ") { index += 1 }
    }

    private mutating func skip(_ sign: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard index < bytes.count, bytes[index] == UInt8(ascii: sign) else { return false }
        index += 1
        return true
    }

    private func expected(_ what: String) -> FunctionSignatureError {
        FunctionSignatureError(index + 1, "expected \(what).")
    }

    private static func shown(_ word: String) -> String { word.isEmpty ? "nothing" : "\"\(word.prefix(40))\"" }
}
