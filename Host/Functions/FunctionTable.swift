import CGantryPlugin
import Glibc
import Synchronization

/// The bound functions of one plugin: its hooks behind gantry_functions.h, and those that can be called by name.
///
/// `@unchecked Sendable`: what the pointer leads to is written once, before anybody else has this object.
package final class FunctionTable: @unchecked Sendable {
    private static let firstCapacity = 1024

    /// A hook with its function; by the hook's number.
    private struct BoundHook {
        let hook: FunctionHook
        let function: BoundFunction
        let inputs: [FunctionHook.Input]
        let output: FunctionHook.Output
    }

    private let hooks: [BoundHook?]
    private let functions: [String: BoundFunction]
    private let published: UnsafeMutablePointer<gantry_functions>
    private let wasAskedFor = Atomic(false)

    /// Binds functions of a library.
    ///
    /// - Parameters:
    ///   - bindings: What is to be bound; the signatures of hooks are checked here once more.
    ///   - library: Where the functions are.
    /// - Throws: ``FunctionError`` with `.symbolMissing` or `.badBinding`.
    package init(_ bindings: FunctionBindings, in library: FunctionLibrary) throws(FunctionError) {
        var hooks = [BoundHook?](repeating: nil, count: FunctionHook.allCases.count + 1)
        var mask: UInt64 = 0
        for binding in bindings.hooks {
            guard let hook = FunctionHook(named: binding.name) else {
                throw FunctionError(.badBinding, "there is no hook \(binding.name).")
            }
            do throws(FunctionSignatureError) {
                try hook.check(binding.signature)
            } catch {
                throw FunctionError(.badBinding, "\(binding.signature), \(error)")
            }
            hooks[Int(hook.rawValue)] = BoundHook(
                hook: hook,
                function: try library.function(binding.symbol, binding.signature),
                inputs: hook.inputs.map(\.kind),
                output: hook.output
            )
            mask |= 1 << UInt64(hook.rawValue)
        }
        var functions: [String: BoundFunction] = [:]
        for binding in bindings.functions {
            functions[binding.name] = try library.function(binding.symbol, binding.signature)
        }
        self.hooks = hooks
        self.functions = functions
        published = .allocate(capacity: 1)
        published.initialize(
            to: gantry_functions(
                size: UInt32(MemoryLayout<gantry_functions>.size),
                reserved: 0,
                ctx: Unmanaged.passUnretained(self).toOpaque(),
                hooks: mask,
                call: { context, hook, values, count, sink in
                    FunctionTable.call(context, hook, values, count, sink)
                }
            )
        )
    }

    deinit { published.deallocate() }

    /// Answers `gantry_host.extension`: a table that lives as long as this object, or nil for another extension and if no
    /// hook is bound.
    package func `extension`(_ id: UnsafePointer<CChar>?) -> UnsafeRawPointer? {
        guard let id, strcmp(id, GANTRY_FUNCTIONS_EXTENSION) == 0, published.pointee.hooks != 0 else { return nil }
        wasAskedFor.store(true, ordering: .relaxed)
        return UnsafeRawPointer(published)
    }

    /// Refuses hooks that nobody would ever call.
    ///
    /// - Parameter plugin: What messages call the plugin, whose instance has been made.
    /// - Throws: ``FunctionError`` with `.badBinding` if hooks are bound and the plugin has not asked for them.
    package func checkUse(by plugin: String) throws(FunctionError) {
        guard published.pointee.hooks != 0, !wasAskedFor.load(ordering: .relaxed) else { return }
        throw FunctionError(.badBinding, "hooks: \(plugin) calls none. Remove them, or use another plugin.")
    }

    /// The signature of a function; nil if none has that name.
    package func signature(of name: String) -> FunctionSignature? { functions[name]?.signature }

    /// Calls a function by its name.
    ///
    /// - Parameters:
    ///   - name: One of the bindings' functions.
    ///   - arguments: One for each argument but `out`.
    ///   - limit: The most bytes of a text and of each `out`.
    /// - Returns: A copy of what it gave.
    /// - Throws: ``FunctionError``; `.symbolMissing` if there is no function of that name.
    package func call(
        _ name: String,
        _ arguments: [FunctionArgument],
        limit: Int = BoundFunction.largestResult
    ) throws(FunctionError) -> FunctionAnswer {
        guard let function = functions[name] else {
            throw FunctionError(.symbolMissing, "there is no function \(name).")
        }
        return try function.call(arguments, limit: limit)
    }

    private static func call(
        _ context: UnsafeMutableRawPointer?,
        _ hook: UInt32,
        _ values: UnsafePointer<gantry_value>?,
        _ count: Int,
        _ sink: UnsafePointer<gantry_value_sink>?
    ) -> gantry_status {
        guard let context, let sink, sink.pointee.size >= UInt32(MemoryLayout<gantry_value_sink>.size),
            (0...16).contains(count), count == 0 || values != nil
        else { return gantry_status(GANTRY_E_INVALID) }
        let inputs = UnsafeBufferPointer(start: values, count: count)
        guard inputs.allSatisfy({ $0.bytes.ptr != nil || $0.bytes.len == 0 }) else {
            return gantry_status(GANTRY_E_INVALID)
        }
        // The context is the object that made the table; whoever lends the table keeps it.
        let table = Unmanaged<FunctionTable>.fromOpaque(context).takeUnretainedValue()
        return table.call(hook: hook, inputs, sink)
    }

    private func call(
        hook number: UInt32,
        _ values: UnsafeBufferPointer<gantry_value>,
        _ sink: UnsafePointer<gantry_value_sink>
    ) -> gantry_status {
        guard number < UInt32(hooks.count), let bound = hooks[Int(number)] else {
            return gantry_status(GANTRY_E_NOTFOUND)
        }
        do throws(FunctionError) {
            try run(bound, values, sink)
            return gantry_status(GANTRY_OK)
        } catch {
            var message = "The hook \(bound.hook.name) has failed: \(error.message)"
            message.withUTF8 { sink.emit(gantry_slice(ptr: $0.baseAddress, len: $0.count)) }
            return error.hookStatus
        }
    }

    private func run(
        _ bound: BoundHook,
        _ values: UnsafeBufferPointer<gantry_value>,
        _ sink: UnsafePointer<gantry_value_sink>
    ) throws(FunctionError) {
        guard values.count == bound.inputs.count else {
            throw FunctionError(.badArgument, "it has \(bound.inputs.count) inputs, and was given \(values.count).")
        }
        // The result is mostly of about the length of what went in.
        var capacity = Self.firstCapacity
        for value in values { capacity += 2 * min(max(value.bytes.len, 0), BoundFunction.largestResult) }
        // A function may leave out the last inputs.
        let count = bound.function.inputs.count
        let result: Result<Void, FunctionError> = withUnsafeTemporaryAllocation(
            of: FunctionInput.self,
            capacity: max(count, 1)
        ) { inputs in
            for index in 0..<count {
                let value = values[index]
                inputs.initializeElement(
                    at: index,
                    to: bound.inputs[index] == .number
                        ? .integer(value.number)
                        : .bytes(UnsafeRawBufferPointer(start: value.bytes.ptr, count: value.bytes.len))
                )
            }
            let lent = UnsafeBufferPointer(rebasing: inputs[..<count])
            do throws(FunctionError) {
                try bound.function.call(lent, capacity: capacity) { (outcome) throws(FunctionError) in
                    try Self.give(outcome, of: bound, to: sink)
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Gives the caller what a hook's function gave, if it is what the hook wants.
    private static func give(
        _ outcome: FunctionOutcome,
        of bound: BoundHook,
        to sink: UnsafePointer<gantry_value_sink>
    ) throws(FunctionError) {
        let function = bound.function
        let bytes: UnsafeRawBufferPointer
        switch outcome.value {
        case .integer(let number) where bound.output == .count:
            guard number >= 0 else {
                throw FunctionError(.badResult, "\(function.symbol) gave \(number), which is no count.")
            }
            return sink.emit(number: number)
        case .integer(let number) where number != 0:
            throw FunctionError(.failed, "\(function.symbol) has failed with \(number).")
        case .text(let text): bytes = text
        case .null: throw FunctionError(.badResult, "\(function.symbol) gave NULL.")
        case .nothing, .integer, .real: bytes = outcome.outputs.first ?? UnsafeRawBufferPointer(start: nil, count: 0)
        }
        guard bound.output != .text || isText(bytes) else {
            throw FunctionError(.badResult, "\(function.symbol) gave something that is not UTF-8.")
        }
        sink.emit(gantry_slice(ptr: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), len: bytes.count))
    }

    private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
    }
}

extension FunctionError {
    /// What `gantry_functions.call` returns.
    fileprivate var hookStatus: gantry_status {
        switch code {
        case .failed where status < 0: status
        case .badArgument: gantry_status(GANTRY_E_INVALID)
        case .failed, .badResult, .badBinding, .libraryRefused, .symbolMissing: gantry_status(GANTRY_E_INTERNAL)
        }
    }
}

extension UnsafePointer<gantry_value_sink> {
    fileprivate func emit(_ bytes: gantry_slice = gantry_slice(), number: Int64 = 0) {
        guard let emit = pointee.emit else { return }
        var value = gantry_value(bytes: bytes, number: number)
        emit(pointee.ctx, &value)
    }
}
