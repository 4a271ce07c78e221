/// What a caller of a function gives for one argument.
package enum FunctionArgument: Sendable, Hashable {
    /// For `i32` and `i64`.
    case integer(Int64)
    /// For `f64`.
    case real(Double)
    /// For `cstr` and `bytes`.
    case bytes([UInt8])
}

/// What a function gave, copied.
package struct FunctionAnswer: Sendable, Hashable {
    package enum Value: Sendable, Hashable {
        /// Nothing: `void`, `status`, or NULL instead of text.
        case null
        case integer(Int64)
        case real(Double)
        case text([UInt8])
    }

    package let value: Value
    /// What was written to each `out`, in order.
    package let outputs: [[UInt8]]

    /// Makes an answer.
    package init(value: Value, outputs: [[UInt8]]) {
        self.value = value
        self.outputs = outputs
    }
}

extension BoundFunction {
    private static let firstCapacity = 16 << 10

    /// Calls the function with values, and copies what it gives.
    ///
    /// - Parameters:
    ///   - arguments: One for each argument but `out`, in order.
    ///   - limit: The most bytes that all texts and outputs have together.
    /// - Returns: The result and the outputs.
    /// - Throws: ``FunctionError``, as ``call(_:capacity:_:)``.
    package func call(
        _ arguments: [FunctionArgument],
        limit: Int = BoundFunction.largestResult
    ) throws(FunctionError) -> FunctionAnswer {
        let size = arguments.reduce(0) { $0 + $1.size }
        let result: Result<FunctionAnswer, FunctionError> = withUnsafeTemporaryAllocation(
            of: UInt8.self,
            capacity: size
        ) { memory in
            // All bytes stand in one place, which stays where it is during the call.
            var rest = memory[...]
            let inputs = arguments.map { argument -> FunctionInput in
                switch argument {
                case .integer(let number): return .integer(number)
                case .real(let number): return .real(number)
                case .bytes(let bytes):
                    let place = UnsafeMutableBufferPointer(rebasing: rest.prefix(bytes.count))
                    _ = place.initialize(from: bytes)
                    rest = rest.dropFirst(bytes.count)
                    return .bytes(UnsafeRawBufferPointer(place))
                }
            }
            do throws(FunctionError) {
                return .success(try self.call(lending: inputs, limit: limit))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func call(lending inputs: [FunctionInput], limit: Int) throws(FunctionError) -> FunctionAnswer {
        var answer = FunctionAnswer(value: .null, outputs: [])
        let result: Result<Void, FunctionError> = inputs.withUnsafeBufferPointer { inputs in
            do throws(FunctionError) {
                try self.call(inputs, capacity: min(Self.firstCapacity, limit)) { (outcome) throws(FunctionError) in
                    answer = try self.copy(outcome, limit: limit)
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
        return answer
    }

    private func copy(_ outcome: FunctionOutcome, limit: Int) throws(FunctionError) -> FunctionAnswer {
        var size = outcome.outputs.reduce(0) { $0 + $1.count }
        if case .text(let text) = outcome.value { size += text.count }
        guard size <= limit else {
            throw FunctionError(.badResult, "\(symbol) gave \(size) bytes; the most is \(limit).")
        }
        let value: FunctionAnswer.Value
        switch outcome.value {
        case .nothing, .null: value = .null
        case .integer(let number): value = .integer(number)
        case .real(let number): value = .real(number)
        case .text(let text): value = .text(Array(text))
        }
        return FunctionAnswer(value: value, outputs: outcome.outputs.map { Array($0) })
    }
}

extension FunctionArgument {
    fileprivate var size: Int {
        if case .bytes(let bytes) = self { bytes.count } else { 0 }
    }
}
