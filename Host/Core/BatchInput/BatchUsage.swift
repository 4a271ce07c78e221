/// The tokens that the requests of a batch have used together, summed up from its output line by line.
package struct BatchUsage: Hashable, Sendable {
    /// How many lines told their usage.
    package private(set) var requests: Int64 = 0
    package private(set) var inputTokens: Int64 = 0
    package private(set) var cachedTokens: Int64 = 0
    package private(set) var outputTokens: Int64 = 0
    package private(set) var reasoningTokens: Int64 = 0
    package private(set) var totalTokens: Int64 = 0

    /// Begins with nothing.
    package init() {}

    /// The sum in OpenAI's form of a batch's `usage`.
    package var json: String {
        """
        {"input_tokens":\(inputTokens),"input_tokens_details":{"cached_tokens":\(cachedTokens)},\
        "output_tokens":\(outputTokens),"output_tokens_details":{"reasoning_tokens":\(reasoningTokens)},\
        "total_tokens":\(totalTokens)}
        """
    }

    /// Adds what `response.body.usage` of a line says, in the form of chats, of responses or of embeddings; a line that says
    /// nothing, or is no JSON, adds nothing.
    ///
    /// - Parameter line: Lent for this call.
    package mutating func add(_ line: UnsafeRawBufferPointer) {
        guard let scanner = JSONScanner(line) else { return }
        var found = Found()
        withUnsafeTemporaryAllocation(of: RequestScanner.Walk.Step.self, capacity: RequestScanner.maximumDepth) {
            var walk = RequestScanner.Walk(scanner, steps: $0, of: .batchLine)
            do throws(JSONFault) {
                try walk.usage(Found.path[...], &found)
            } catch {
                // A provider's line that cannot be read has no usage that could be counted.
                found = Found()
            }
        }
        guard found.isSomething else { return }
        let (input, output) = (found[.input], found[.output])
        requests += 1
        Self.add(input, to: &inputTokens)
        Self.add(found[.cached], to: &cachedTokens)
        Self.add(output, to: &outputTokens)
        Self.add(found[.reasoning], to: &reasoningTokens)
        Self.add(found.hasTotal ? found[.total] : input &+ output, to: &totalTokens)
    }

    private static func add(_ count: Int64, to sum: inout Int64) {
        let (result, overflow) = sum.addingReportingOverflow(count)
        sum = overflow ? .max : result
    }

    /// The numbers of one line.
    fileprivate struct Found {
        static let path: [StaticString] = ["response", "body", "usage"]

        enum Number: Int {
            case input, output, total, cached, reasoning
        }

        private var numbers = [Int64](repeating: 0, count: 5)
        private(set) var isSomething = false
        private(set) var hasTotal = false

        subscript(number: Number) -> Int64 { numbers[number.rawValue] }

        mutating func note(_ number: Number, _ value: Int64) {
            isSomething = true
            if number == .total { hasTotal = true }
            // No provider has used so many; what would overflow the sum is no count.
            numbers[number.rawValue] = min(max(value, 0), 1 << 50)
        }
    }
}

extension RequestScanner.Walk {
    /// Reads an object on the way to the usage, or the usage itself; anything else than an object is passed over.
    fileprivate mutating func usage(
        _ path: ArraySlice<StaticString>,
        _ found: inout BatchUsage.Found
    ) throws(JSONFault) {
        guard scanner.nextByte() == UInt8(ascii: "{") else { return try value(.freeForm) }
        try eachMember { (walk, name) throws(JSONFault) in
            guard let next = path.first else { return try walk.usageMember(name, &found) }
            guard walk.scanner.undecodedBytes(of: name).reads(next) else { return try walk.value(.freeForm) }
            try walk.usage(path.dropFirst(), &found)
        }
    }

    private mutating func usageMember(_ name: JSONString, _ found: inout BatchUsage.Found) throws(JSONFault) {
        let bytes = scanner.undecodedBytes(of: name)
        if bytes.reads("prompt_tokens") || bytes.reads("input_tokens") {
            try number { found.note(.input, $0) }
        } else if bytes.reads("completion_tokens") || bytes.reads("output_tokens") {
            try number { found.note(.output, $0) }
        } else if bytes.reads("total_tokens") {
            try number { found.note(.total, $0) }
        } else if bytes.reads("cached_tokens") {
            try number { found.note(.cached, $0) }
        } else if bytes.reads("reasoning_tokens") {
            try number { found.note(.reasoning, $0) }
        } else if bytes.isTokenDetails {
            try usage([], &found)
        } else {
            try value(.freeForm)
        }
    }

    /// Reads a value, and hands it on if it is a whole number.
    private mutating func number(_ note: (Int64) -> Void) throws(JSONFault) {
        _ = scanner.nextByte()
        let start = scanner.position
        try value(.freeForm)
        let text = String(
            decoding: scanner.undecodedBytes(of: JSONString(start: start, end: scanner.position, hasEscapes: false)),
            as: UTF8.self
        )
        if let count = Int64(text) { note(count) }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate var isTokenDetails: Bool {
        reads("prompt_tokens_details") || reads("input_tokens_details") || reads("completion_tokens_details")
            || reads("output_tokens_details")
    }
}
